/**
 * Whole numbers that are taken, and how often: host ports, addresses. They are kept in pages of bits, so that the lowest
 * free one is found without looking at each taken one before it, however the taken ones came and went: full pages are
 * skipped, and there is no page where nothing was ever taken.
 */
export interface Numbers {
  readonly pages: Map<number, Page>;
  /** Takes beyond the first, by number. Below zero where more was given back than taken. */
  readonly surplus: Map<number, number>;
  /** How many different numbers are taken. */
  taken: number;
}

interface Page {
  readonly words: Uint32Array;
  taken: number;
}

/** Inclusive. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

const wordBits = 32;
/** 64 bytes of bits: of larger typed arrays V8 keeps the contents outside of its heap, which takes ten times as long. */
const pageSize = 512;

export const openNumbers = (): Numbers => ({ pages: new Map(), surplus: new Map(), taken: 0 });

/** True when it was free before. */
export const takeNumber = (numbers: Numbers, number: number): boolean => change(numbers, number, 1);

/** The inverse of `takeNumber`; true when it is free now. */
export const releaseNumber = (numbers: Numbers, number: number): boolean => change(numbers, number, -1);

/** The first take sets the bit, the last release clears it; what is beyond is counted apart. */
function change(numbers: Numbers, number: number, by: 1 | -1): boolean {
  const { pages, surplus } = numbers;
  const page = pageFor(pages, pageOf(number));
  const offset = number % pageSize;
  const word = Math.floor(offset / wordBits);
  const bits = page.words[word] as number;
  const bit = 1 << (offset % wordBits);
  const isSet = (bits & bit) !== 0;
  if (isSet === (by === 1) || (surplus.size > 0 && surplus.has(number))) {
    addSurplus(surplus, number, by);
    return false;
  }
  page.words[word] = bits ^ bit;
  page.taken += by;
  numbers.taken += by;
  return true;
}

function pageFor(pages: Numbers['pages'], index: number): Page {
  const known = pages.get(index);
  if (known !== undefined) return known;
  const page = { words: new Uint32Array(pageSize / wordBits), taken: 0 };
  pages.set(index, page);
  return page;
}

function addSurplus(surplus: Numbers['surplus'], number: number, by: 1 | -1): void {
  const count = (surplus.get(number) ?? 0) + by;
  if (count === 0) surplus.delete(number);
  else surplus.set(number, count);
}

const pageOf = (number: number): number => Math.floor(number / pageSize);

export function isTaken({ pages }: Numbers, number: number): boolean {
  const page = pages.get(pageOf(number));
  if (page === undefined) return false;
  const offset = number % pageSize;
  return ((page.words[Math.floor(offset / wordBits)] as number) & (1 << (offset % wordBits))) !== 0;
}

export const timesTaken = (numbers: Numbers, number: number): number =>
  (isTaken(numbers, number) ? 1 : 0) + (numbers.surplus.get(number) ?? 0);

/** The lowest free number of the range. */
export function lowestFree({ pages }: Numbers, { first, last }: NumberRange): number | undefined {
  for (let number = first; number <= last; number = (pageOf(number) + 1) * pageSize) {
    const page = pages.get(pageOf(number));
    if (page === undefined) return number;
    const offset = page.taken === pageSize ? pageSize : lowestClear(page, number % pageSize);
    const found = pageOf(number) * pageSize + offset;
    if (offset < pageSize) return found <= last ? found : undefined;
  }
  return undefined;
}

/** Offset of the first bit from `from` on that is not set; `pageSize` when all are. */
function lowestClear({ words }: Page, from: number): number {
  for (let word = Math.floor(from / wordBits); word < words.length; word += 1) {
    const clear = ~(words[word] as number) & maskFrom(from - word * wordBits);
    // The lowest set bit alone: x & -x.
    if (clear !== 0) return word * wordBits + wordBits - 1 - Math.clz32(clear & -clear);
  }
  return pageSize;
}

/** Ones from a bit of the word on, which may be below or beyond the word. */
const maskFrom = (bit: number): number => (bit <= 0 ? -1 : bit >= wordBits ? 0 : -1 << bit);

/** How many numbers of the range are free; stops counting where there are `atMost`. */
export function countFree({ pages, taken }: Numbers, { first, last }: NumberRange, atMost: number): number {
  // Mostly a range is far from full.
  if (last - first + 1 - taken >= atMost) return atMost;
  let free = 0;
  for (let number = first; number <= last && free < atMost; ) {
    const index = pageOf(number);
    const end = Math.min(last, (index + 1) * pageSize - 1);
    const page = pages.get(index);
    const within = { first: number % pageSize, last: end % pageSize };
    free += end - number + 1 - (page === undefined ? 0 : countSet(page, within));
    number = end + 1;
  }
  return Math.min(free, atMost);
}

function countSet({ words, taken }: Page, { first, last }: NumberRange): number {
  if (first === 0 && last === pageSize - 1) return taken;
  let set = 0;
  for (let word = Math.floor(first / wordBits); word * wordBits <= last; word += 1) {
    const start = word * wordBits;
    set += bitsOf((words[word] as number) & maskFrom(first - start) & ~maskFrom(last + 1 - start));
  }
  return set;
}

/** How many bits of a word are set, added up in parallel (Hacker's Delight, 5-1). */
function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
