/**
 * Finds small integers by large ones: open addressing over typed arrays, since a verification looks up hundreds of
 * thousands of ports, cores and addresses and a `Map` of numbers boxes each of them. Keys are integers from 0 to 2^53.
 */
export interface NumberIndex {
  size: number;
  keys: Float64Array;
  /** What a key is found as; -1: the place is free. */
  values: Int32Array;
}

/** `expected` saves the copying while it grows. */
export function createNumberIndex(expected = 0): NumberIndex {
  let places = 1024;
  while (places < expected * 2) places *= 2;
  return emptyIndex(places);
}

const emptyIndex = (places: number): NumberIndex => ({
  size: 0,
  keys: new Float64Array(places),
  values: new Int32Array(places).fill(-1),
});

/** The number of a key, or -1. */
export function numberOf(index: NumberIndex, key: number): number {
  return index.values[placeOf(index, key)] as number;
}

/** The number of a key; a new key is given the next: they count up from 0. */
export function internNumber(index: NumberIndex, key: number): number {
  const place = placeOf(index, key);
  const known = index.values[place] as number;
  if (known >= 0) return known;
  const value = index.size;
  index.keys[place] = key;
  index.values[place] = value;
  index.size += 1;
  if (index.size * 2 > index.keys.length) double(index);
  return value;
}

/** Where a key is, or where it would be put. Ends, since half of the places are free. */
function placeOf({ keys, values }: NumberIndex, key: number): number {
  const mask = keys.length - 1;
  const mixed = Math.imul((key >>> 0) ^ Math.imul((key / 4_294_967_296) | 0, 0x85ebca6b), 0x9e3779b1);
  let place = (mixed ^ (mixed >>> 15)) & mask;
  while ((values[place] as number) >= 0 && keys[place] !== key) place = (place + 1) & mask;
  return place;
}

function double(index: NumberIndex): void {
  const { keys, values } = index;
  const larger = emptyIndex(keys.length * 2);
  index.keys = larger.keys;
  index.values = larger.values;
  for (let place = 0; place < keys.length; place++) {
    const value = values[place] as number;
    if (value < 0) continue;
    const key = keys[place] as number;
    const to = placeOf(index, key);
    index.keys[to] = key;
    index.values[to] = value;
  }
}
