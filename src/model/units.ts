import type { CountOrPercent } from './desired.ts';
import { milliPerPiece } from './resources.ts';

/**
 * Quantities, parsed here and nowhere else: cores → integer millicores, bytes → integer bytes, bit rates → integer
 * bits per second, pieces of extended resources → integer thousandths, durations → integer milliseconds. Everything goes through decimal digits as BigInt, so nothing is
 * rounded on the way: 1.15 cores is exactly 1150, and what is not a whole number of the smallest unit is refused.
 */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false /** For a person: what is wrong and what is allowed. */; readonly reason: string };

/** `500m`, `1.5`, `2` → millicores. */
export function parseCores(input: string | number): Parsed<number> {
  const split = splitQuantity(input);
  if (split === undefined) return refuse(`${quote(input)} is not a number of cores; write "500m", "1.5" or 2`);
  if (split.unit !== '' && split.unit !== 'm') {
    return refuse(`"${split.unit}" is not a unit of cores; write "500m", "1.5" or 2`);
  }
  const millis = scale(split, split.unit === 'm' ? 1n : 1000n);
  return millis ?? refuse(`${quote(input)} is finer than a millicore (1m), the smallest part of a core`);
}

/** `512MiB`, `512Mi`, `1GB`, `1G`, `1.5GiB`, `1024` → bytes. Fractions only where they are a whole number of bytes. */
export function parseBytes(input: string | number): Parsed<number> {
  const split = splitQuantity(input);
  if (split === undefined) return refuse(`${quote(input)} is not an amount of bytes; write "512MiB", "1GB" or 1048576`);
  const factor = byteUnits.get(split.unit) ?? byteUnits.get(`${split.unit}B`);
  if (factor === undefined) {
    const near = nearUnit(split.unit, byteUnits.keys());
    return refuse(`"${split.unit}" is not a unit of bytes${near}; units are KiB MiB GiB TiB PiB and kB MB GB TB PB`);
  }
  return scale(split, factor) ?? refuse(`${quote(input)} is not a whole number of bytes`);
}

/** `100Mbit`, `10Gbit` → bits per second. A unit is required: bits and bytes are too easily mixed up. */
export function parseBitRate(input: string | number): Parsed<number> {
  const split = splitQuantity(input);
  if (split === undefined) return refuse(`${quote(input)} is not a bit rate; write "100Mbit" or "10Gbit"`);
  const factor = bitUnits.get(split.unit);
  if (factor === undefined) {
    const wrong = split.unit === '' ? `${quote(input)} has no unit` : `"${split.unit}" is not a unit of bit rates`;
    return refuse(`${wrong}${nearUnit(split.unit, bitUnits.keys())}; units are bit kbit Mbit Gbit Tbit, a second`);
  }
  return scale(split, factor) ?? refuse(`${quote(input)} is not a whole number of bits`);
}

/** `2m30s`, `500ms`, `1.5h`, `0s` → milliseconds. Units go from large to small and occur once each. */
export function parseDuration(input: string | number): Parsed<number> {
  const text = String(input);
  const example = 'write "30s", "2m30s" or "24h"';
  if (/^\d+(\.\d+)?$/.test(text)) {
    return Number(text) === 0 ? { ok: true, value: 0 } : refuse(`${quote(input)} has no unit; ${example}`);
  }
  if (text.length > maxQuantityLength) return refuse(`${quote(input)} is not a duration; ${example}`);
  if (!/^(?:\d+(?:\.\d+)?[a-zA-Z]+)+$/.test(text)) return refuse(`${quote(input)} is not a duration; ${example}`);
  let total = 0n;
  let previous: bigint | undefined;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d+)(?:\.(\d+))?([a-zA-Z]+)/g)) {
    const factor = timeUnits.get(unit);
    if (factor === undefined) return refuse(`"${unit}" is not a unit of time; units are d h m s ms (${example})`);
    if (previous !== undefined && factor >= previous) {
      return refuse(`${quote(input)} must go from large to small units, each once; ${example}`);
    }
    previous = factor;
    const part = multiply({ whole, fraction }, factor);
    if (part === undefined) return refuse(`${quote(input)} is finer than a millisecond, the smallest unit`);
    total += part;
  }
  return bounded(total, input);
}

/** `4`, `1.5`, `500m` → thousandths of a piece, as extended resources are counted. */
export function parsePieces(input: string | number): Parsed<number> {
  const split = splitQuantity(input);
  if (split === undefined) return refuse(`${quote(input)} is not a number of pieces; write 2, 0.5 or "500m"`);
  if (split.unit !== '' && split.unit !== 'm') {
    return refuse(`"${split.unit}" is not a unit of pieces; write 2, 0.5 or "500m"`);
  }
  const factor = split.unit === 'm' ? 1n : BigInt(milliPerPiece);
  return (
    scale(split, factor) ?? refuse(`${quote(input)} is finer than a thousandth of a piece (1m), the smallest part`)
  );
}

/** What one instance may ask for: whole pieces, or a part of one. */
export function parsePiecesAsked(input: string | number): Parsed<number> {
  const parsed = parsePieces(input);
  if (!parsed.ok || parsed.value <= milliPerPiece || parsed.value % milliPerPiece === 0) return parsed;
  return refuse(`${quote(input)} is more than one piece and not whole: a part is always of one piece; write 0.5 or 2`);
}

/** `3` or `"10%"`: a number of instances or a whole percentage up to 100. */
export function parseCountOrPercent(input: string | number): Parsed<CountOrPercent> {
  const text = String(input);
  const match = /^(\d{1,16})(%?)$/.exec(text);
  if (match === null) return refuse(`${quote(input)} is neither a whole number nor a percentage such as "10%"`);
  const amount = Number(match[1]);
  if (match[2] === '') {
    if (!Number.isSafeInteger(amount)) return refuse(tooLarge(input));
    return { ok: true, value: { kind: 'count', count: amount } };
  }
  if (amount > 100) return refuse(`${quote(input)} is more than 100%`);
  return { ok: true, value: { kind: 'percent', percent: amount } };
}

/** `500` → `500m`, `1500` → `1.5`; parses back to the same amount, as all formatters here do. */
export function formatCores(millis: number): string {
  const sign = millis < 0 ? '-' : '';
  const amount = Math.abs(millis);
  if (amount % 1000 === 0) return `${sign}${amount / 1000}`;
  if (amount < 1000) return `${sign}${amount}m`;
  return `${sign}${Math.floor(amount / 1000)}.${trimZeros(String(amount % 1000).padStart(3, '0'))}`;
}

/** The shortest exact text with a unit: `512MiB`, `1.5GiB`, `1GB`, `7B`. */
export function formatBytes(bytes: number): string {
  return shortest(bytes, formattedByteUnits);
}

/** The shortest exact text with a unit: `100Mbit`, `2.5Gbit`. */
export function formatBitRate(bitsPerSecond: number): string {
  return shortest(bitsPerSecond, formattedBitUnits);
}

/** `150000` → `2m30s`, `500` → `500ms`, `1500` → `1.5s`, `86400000` → `24h`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = Math.floor((ms % 60_000) / 1000);
  const fraction = trimZeros(String(ms % 1000).padStart(3, '0'));
  const secondsText = fraction === '' ? `${seconds}` : `${seconds}.${fraction}`;
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${secondsText === '0' ? '' : `${secondsText}s`}`;
}

/** `3` or `10%`. */
export const formatCountOrPercent = (amount: CountOrPercent): string =>
  amount.kind === 'count' ? String(amount.count) : `${amount.percent}%`;

const decimalUnits = ['k', 'M', 'G', 'T', 'P'] as const;

/** Largest first, and binary before decimal: the first of the shortest texts wins. */
const formattedByteUnits: readonly (readonly [unit: string, factor: bigint])[] = [
  ...decimalUnits.map((prefix, index) => [`${prefix.toUpperCase()}iB`, 1024n ** BigInt(index + 1)] as const).reverse(),
  ...decimalUnits.map((prefix, index) => [`${prefix}B`, 1000n ** BigInt(index + 1)] as const).reverse(),
  ['B', 1n],
];

const formattedBitUnits: readonly (readonly [unit: string, factor: bigint])[] = [
  ...decimalUnits
    .slice(0, 4)
    .map((prefix, index) => [`${prefix}bit`, 1000n ** BigInt(index + 1)] as const)
    .reverse(),
  ['bit', 1n],
];

const byteUnits: ReadonlyMap<string, bigint> = new Map([...formattedByteUnits, ['KB', 1000n]]);
const bitUnits: ReadonlyMap<string, bigint> = new Map(formattedBitUnits);
const timeUnits: ReadonlyMap<string, bigint> = new Map([
  ['d', 86_400_000n],
  ['h', 3_600_000n],
  ['m', 60_000n],
  ['s', 1000n],
  ['ms', 1n],
]);

/** No quantity that anybody means is longer; keeps hostile text away from BigInt. */
const maxQuantityLength = 40;

interface SplitQuantity {
  readonly input: string | number;
  readonly whole: string;
  readonly fraction: string;
  readonly unit: string;
}

function splitQuantity(input: string | number): SplitQuantity | undefined {
  // A YAML number prints as the shortest decimal that reads back to it, which is what the person wrote.
  const text = String(input);
  if (text.length > maxQuantityLength) return undefined;
  const match = /^(\d+)(?:\.(\d+))?([a-zA-Z]*)$/.exec(text);
  if (match === null) return undefined;
  return { input, whole: match[1] ?? '', fraction: match[2] ?? '', unit: match[3] ?? '' };
}

/** The amount in the smallest unit; undefined where it is not a whole number of it. */
function scale(split: SplitQuantity, factor: bigint): Parsed<number> | undefined {
  const amount = multiply(split, factor);
  return amount === undefined ? undefined : bounded(amount, split.input);
}

function multiply(decimal: { readonly whole: string; readonly fraction: string }, factor: bigint): bigint | undefined {
  const divisor = 10n ** BigInt(decimal.fraction.length);
  const product = BigInt(decimal.whole + decimal.fraction) * factor;
  return product % divisor === 0n ? product / divisor : undefined;
}

function bounded(amount: bigint, input: string | number): Parsed<number> {
  return amount > BigInt(Number.MAX_SAFE_INTEGER) ? refuse(tooLarge(input)) : { ok: true, value: Number(amount) };
}

function shortest(amount: number, units: readonly (readonly [unit: string, factor: bigint])[]): string {
  if (amount < 0) return `-${shortest(-amount, units)}`;
  const value = BigInt(amount);
  let best: string | undefined;
  for (const [unit, factor] of units) {
    const text = decimalText(value, factor);
    if (text === undefined) continue;
    const candidate = `${text}${unit}`;
    if (best === undefined || candidate.length < best.length) best = candidate;
  }
  return best ?? String(amount);
}

/** `value / factor` with at most three decimals, where that is exact and at least 1 (the smallest unit always is). */
function decimalText(value: bigint, factor: bigint): string | undefined {
  if (value < factor && factor > 1n) return undefined;
  const thousandths = value * 1000n;
  if (thousandths % factor !== 0n) return undefined;
  const quotient = thousandths / factor;
  const fraction = trimZeros(String(quotient % 1000n).padStart(3, '0'));
  return fraction === '' ? String(quotient / 1000n) : `${quotient / 1000n}.${fraction}`;
}

function nearUnit(unit: string, units: Iterable<string>): string {
  const lower = unit.toLowerCase();
  for (const known of units) {
    if (lower !== '' && (known.toLowerCase() === lower || known.toLowerCase() === `${lower}b`)) {
      return ` (did you mean "${known}"?)`;
    }
  }
  return '';
}

const trimZeros = (digits: string): string => digits.replace(/0+$/, '');
const refuse = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });
const tooLarge = (input: string | number): string => `${quote(input)} is too large: amounts stay below 2^53`;
const quote = (input: string | number): string =>
  typeof input === 'number'
    ? String(input)
    : `"${input.length > maxQuantityLength ? `${input.slice(0, maxQuantityLength)}…` : input}"`;
