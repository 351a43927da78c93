/**
 * A whole number in parts that are in proportion to the weights, exactly: every part is rounded down, and what is left
 * goes to those with the largest remainders, the first of equals first (Hamilton's method). Equal parts where all
 * weights are 0.
 */
export function shares(total: number, weights: readonly number[]): readonly number[] {
  const known = weights.some((weight) => weight > 0) ? weights.map(BigInt) : weights.map(() => 1n);
  const sum = known.reduce((a, b) => a + b, 0n);
  // The product of two numbers of bytes is beyond what a double holds.
  const parts = known.map((weight) => Number((BigInt(total) * weight) / sum));
  const remainders = known.map((weight) => (BigInt(total) * weight) % sum);
  const left = total - parts.reduce((a, b) => a + b, 0);
  const order = [...parts.keys()].sort((a, b) => {
    const [x, y] = [remainders[a] as bigint, remainders[b] as bigint];
    return x === y ? a - b : x > y ? -1 : 1;
  });
  for (const index of order.slice(0, left)) parts[index] = (parts[index] as number) + 1;
  return parts;
}
