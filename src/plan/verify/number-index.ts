/**
 * Finds small integers by large ones: open addressing over typed arrays, since a verification looks up hundreds of
 * thousands of ports, cores and addresses and a `Map` of numbers boxes each of them. Keys are integers from 0 to 2^53.
 */
export interface NumberIndex {
  size: number;
  /** By number: the first `size`. */
  keys: Float64Array;
  /** Numbers by where their keys hash to; -1: the place is free. */
  numbers: Int32Array;
}

/** `expected` saves the copying while it grows. */
export function createNumberIndex(expected = 0): NumberIndex {
  let places = 1024;
  while (places < expected * 2) places *= 2;
  return { size: 0, keys: new Float64Array(Math.max(512, expected)), numbers: freePlaces(places) };
}

const freePlaces = (places: number): Int32Array => new Int32Array(places).fill(-1);

/** The number of a key, or -1. */
export function numberOf(index: NumberIndex, key: number): number {
  return index.numbers[placeOf(index, key)] as number;
}

/** The number of a key; a new key is given the next: they count up from 0. */
export function internNumber(index: NumberIndex, key: number): number {
  const place = placeOf(index, key);
  const known = index.numbers[place] as number;
  if (known >= 0) return known;
  const number = index.size;
  if (number === index.keys.length) enlargeKeys(index);
  index.keys[number] = key;
  index.numbers[place] = number;
  index.size += 1;
  if (index.size * 2 > index.numbers.length) doublePlaces(index);
  return number;
}

/** Where a key is, or where it would be put. Ends, since half of the places are free. */
function placeOf({ keys, numbers }: NumberIndex, key: number): number {
  const mask = numbers.length - 1;
  const mixed = Math.imul((key >>> 0) ^ Math.imul((key / 4_294_967_296) | 0, 0x85ebca6b), 0x9e3779b1);
  let place = (mixed ^ (mixed >>> 15)) & mask;
  for (;;) {
    const number = numbers[place] as number;
    if (number < 0 || keys[number] === key) return place;
    place = (place + 1) & mask;
  }
}

function enlargeKeys(index: NumberIndex): void {
  const { keys } = index;
  index.keys = new Float64Array(Math.ceil(keys.length * 1.5));
  index.keys.set(keys);
}

function doublePlaces(index: NumberIndex): void {
  index.numbers = freePlaces(index.numbers.length * 2);
  for (let number = 0; number < index.size; number++) {
    index.numbers[placeOf(index, index.keys[number] as number)] = number;
  }
}
