/** Lists of small integers, one for each of many keys, in two arrays: made once and read often. */
export interface Rows {
  /** Row r is `items[starts[r]]` up to, not including, `items[starts[r + 1]]`. */
  readonly starts: Int32Array;
  readonly items: Int32Array;
}

/** Items by the row that they belong to, in their own order; those of row -1 are in none. */
export function rowsOf(rowOf: Int32Array, rows: number): Rows {
  const starts = new Int32Array(rows + 1);
  for (const row of rowOf) if (row >= 0) starts[row + 1] = (starts[row + 1] as number) + 1;
  for (let row = 0; row < rows; row++) starts[row + 1] = (starts[row + 1] as number) + (starts[row] as number);
  const items = new Int32Array(starts[rows] as number);
  const next = starts.slice(0, rows);
  for (let item = 0; item < rowOf.length; item++) {
    const row = rowOf[item] as number;
    if (row < 0) continue;
    items[next[row] as number] = item;
    next[row] = (next[row] as number) + 1;
  }
  return { starts, items };
}

const nothing = new Int32Array(0);

/** The items of a row; none for row -1. */
export const rowAt = ({ starts, items }: Rows, row: number): Int32Array =>
  row < 0 ? nothing : items.subarray(starts[row], starts[row + 1]);
