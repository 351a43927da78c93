/** Seeded lots: the same seed and name give the same draws, whatever other streams draw. */
export interface Random {
  /** From 0 (included) to 1 (not included). */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  happens(share: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** Bob Jenkins' sfc32: 128 bits of state, seeded through an FNV hash of the name. */
export function randomOf(seed: number, name: string): Random {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88 ^ fnv(name);
  let c = 0xb7e15162;
  let counter = 1;
  const draw = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let warmUp = 0; warmUp < 12; warmUp += 1) draw();
  const random: Random = {
    next: draw,
    between: (least, most) => least + Math.floor(draw() * (most - least + 1)),
    happens: (share) => draw() < share,
    pick: (from) => from[Math.floor(draw() * from.length)] as (typeof from)[number],
  };
  return random;
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
