/**
 * JSON with sorted keys and without undefined members: equal values have equal text, whatever order they were built in.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'number':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? canonicalList(value) : canonicalMap(value as Readonly<Record<string, unknown>>);
    default:
      return 'null';
  }
}

function canonicalList(members: readonly unknown[]): string {
  if (members.length === 0) return '[]';
  let text = `[${canonicalJson(members[0])}`;
  for (let i = 1; i < members.length; i += 1) text += `,${canonicalJson(members[i])}`;
  return `${text}]`;
}

function canonicalMap(members: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const key of sortedKeys(members)) {
    const member = members[key];
    if (member !== undefined) text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

/** Sorted in place, by insertion: most maps are small, and many are in order already. */
function sortedKeys(members: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = Object.keys(members);
  if (keys.length > fewKeys) return keys.sort();
  for (let i = 1; i < keys.length; i += 1) {
    const key = keys[i] as string;
    let at = i;
    for (; at > 0 && key < (keys[at - 1] as string); at -= 1) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

const fewKeys = 40;

/** SHA-256 (FIPS 180-4) of the text's UTF-8 bytes, as 64 hex digits. Written here because the core imports nothing. */
export function sha256Hex(text: string): string {
  const hash = openSha256(scratch);
  hash.update(text);
  return hash.hex();
}

/** The same for text that comes in parts. */
export interface Sha256 {
  update(text: string): void;
  /** Ends it: nothing may follow. */
  hex(): string;
}

export function openSha256(bytes = new Uint8Array(bufferedBytes)): Sha256 {
  const state = Int32Array.from(initialState);
  /** How many of `bytes` wait; always less than all. */
  let waiting = 0;
  let total = 0;
  const updateAny = (text: string): void => {
    for (const byte of encoder.encode(text)) {
      bytes[waiting] = byte;
      waiting += 1;
      if (waiting === bufferedBytes) flush();
    }
  };
  const flush = (): void => {
    compress(state, bytes, bufferedBytes);
    total += bufferedBytes;
    waiting = 0;
  };
  return {
    update(text) {
      for (let from = 0; from < text.length; ) {
        const room = Math.min(bufferedBytes - waiting, text.length - from);
        const copied = copyAscii({ text, from }, { bytes, at: waiting }, room);
        waiting += copied;
        from += copied;
        if (copied < room) return updateAny(text.slice(from));
        if (waiting === bufferedBytes) flush();
      }
    },
    hex() {
      const bits = (total + waiting) * 8;
      const whole = waiting - (waiting % blockBytes);
      const rest = waiting - whole;
      const last = new Uint8Array(rest + 9 > blockBytes ? 2 * blockBytes : blockBytes);
      last.set(bytes.subarray(whole, waiting));
      last[rest] = 0x80;
      const view = new DataView(last.buffer);
      view.setUint32(last.length - 8, Math.floor(bits / 2 ** 32));
      view.setUint32(last.length - 4, bits >>> 0);
      compress(state, bytes, whole);
      compress(state, last, last.length);
      return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
    },
  };
}

/** Copies up to `count` characters, each of which is one byte; how many those are. Nearly all that is hashed is ASCII. */
function copyAscii(
  { text, from }: { readonly text: string; readonly from: number },
  { bytes, at }: { readonly bytes: Uint8Array; readonly at: number },
  count: number,
): number {
  for (let i = 0; i < count; i += 1) {
    const code = text.charCodeAt(from + i);
    if (code >= 0x80) return i;
    bytes[at + i] = code;
  }
  return count;
}

const encoder = new TextEncoder();
const blockBytes = 64;
/** Whole blocks; few enough to cost nothing where little is hashed. */
const bufferedBytes = 16 * blockBytes;
/** For what is hashed in one go: a plan hashes thousands of definitions. */
const scratch = new Uint8Array(bufferedBytes);
/** The message schedule, used anew for every block: nothing here is asynchronous. */
const schedule = new Int32Array(64);

/** Takes in whole blocks. Written out in one piece, without helpers, since plans and definitions of megabytes go through it. */
function compress(state: Int32Array, bytes: Uint8Array, end: number): void {
  const w = schedule;
  const k = roundConstants;
  for (let offset = 0; offset < end; offset += blockBytes) {
    for (let i = 0, at = offset; i < 16; i += 1, at += 4) {
      w[i] =
        ((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number);
    }
    for (let i = 16; i < 64; i += 1) {
      const x = w[i - 15] as number;
      const y = w[i - 2] as number;
      const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = ((w[i - 16] as number) + small0 + (w[i - 7] as number) + small1) | 0;
    }
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let d = state[3] as number;
    let e = state[4] as number;
    let f = state[5] as number;
    let g = state[6] as number;
    let h = state[7] as number;
    for (let i = 0; i < 64; i += 1) {
      const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + big1 + ((e & f) ^ (~e & g)) + (k[i] as number) + (w[i] as number)) | 0;
      const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] = (state[0] as number) + a;
    state[1] = (state[1] as number) + b;
    state[2] = (state[2] as number) + c;
    state[3] = (state[3] as number) + d;
    state[4] = (state[4] as number) + e;
    state[5] = (state[5] as number) + f;
    state[6] = (state[6] as number) + g;
    state[7] = (state[7] as number) + h;
  }
}

const primes = firstPrimes(64);
/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const roundConstants = Int32Array.from(primes, (prime) => fractionBits(Math.cbrt(prime)));
/** First 32 bits of the fractional parts of the square roots of the first 8 primes. */
const initialState = Int32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));

function fractionBits(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;
}

function firstPrimes(count: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}
