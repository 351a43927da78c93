import { isIP } from 'node:net';
import { parseCpuList } from '../model/cpu-list.ts';
import type { CountOrPercent } from '../model/desired.ts';
import { parseInstant } from '../model/instant.ts';
import { parseAddress } from '../model/ipv4.ts';
import {
  type Parsed,
  parseBitRate,
  parseBytes,
  parseCores,
  parseCountOrPercent,
  parseDuration,
  parsePieces,
  parsePiecesAsked,
} from '../model/units.ts';
import { didYouMean } from './suggest.ts';
import { parseVolumeSource } from './volume-source.ts';

/** Why a value is no quantity of this kind (`x-muster-quantity` in the schemas); undefined where it is one. */
export function checkQuantity(kind: string, value: string | number): string | undefined {
  const parse = parsers[kind];
  if (parse === undefined) throw new Error(`schema/: unknown quantity ${kind}`);
  const parsed = parse(value);
  return parsed.ok ? undefined : parsed.reason;
}

type Input = string | number;

/** A cap, or none. */
export const orUnlimited =
  (parse: (input: Input) => Parsed<number>) =>
  (input: Input): Parsed<number | 'unlimited'> =>
    input === 'unlimited' ? { ok: true, value: 'unlimited' } : parse(input);

/** `10%`, as a whole number of percent. */
export function parsePercent(input: Input): Parsed<number> {
  const parsed = parseCountOrPercent(input);
  if (!parsed.ok) return parsed;
  return parsed.value.kind === 'percent'
    ? { ok: true, value: parsed.value.percent }
    : { ok: false, reason: `"${input}" is not a percentage; write "10%"` };
}

/** A count, a share, or one of the words. */
export const orWord =
  <Word extends string>(...words: readonly Word[]) =>
  (input: Input): Parsed<CountOrPercent | { readonly kind: Word }> => {
    const word = words.find((candidate) => candidate === input);
    if (word !== undefined) return { ok: true, value: { kind: word } };
    const parsed = parseCountOrPercent(input);
    return parsed.ok
      ? parsed
      : { ok: false, reason: `${parsed.reason} (${words.map((known) => `"${known}"`).join(' and ')} are allowed too)` };
  };

export function parsePublish(input: Input): Parsed<'auto' | 'none' | number> {
  if (input === 'auto' || input === 'none') return { ok: true, value: input };
  if (typeof input === 'number' && Number.isInteger(input) && input >= 1 && input <= 65_535)
    return { ok: true, value: input };
  return { ok: false, reason: `${JSON.stringify(input)} is neither "auto" nor "none" nor a port from 1 to 65535` };
}

/** `online` → 1000, `offline` → 100. */
export function parsePriority(input: Input): Parsed<number> {
  if (input === 'online') return { ok: true, value: 1000 };
  if (input === 'offline') return { ok: true, value: 100 };
  if (typeof input === 'number' && Number.isInteger(input) && input >= 0 && input <= 10_000)
    return { ok: true, value: input };
  return {
    ok: false,
    reason: `${JSON.stringify(input)} is neither "online" nor "offline" nor a whole number from 0 to 10000`,
  };
}

/** `pool`, `keep` or an address. */
export function parseIp(input: Input): Parsed<string> {
  const text = String(input);
  if (text === 'pool' || text === 'keep' || parseAddress(text) !== undefined) return { ok: true, value: text };
  const { hint } = didYouMean(text, ['pool', 'keep']);
  const near = hint === undefined ? '' : ` (${hint})`;
  return { ok: false, reason: `${JSON.stringify(input)} is neither "pool" nor "keep" nor an IPv4 address${near}` };
}

/** `0-15,32-47` → its cores, ascending. */
export function parseCpus(input: Input): Parsed<readonly number[]> {
  const cores = parseCpuList(String(input));
  return cores !== undefined
    ? { ok: true, value: cores }
    : {
        ok: false,
        reason: `${JSON.stringify(input)} is not a list of cores, each once, such as "0-15" or "0-7,16-23"`,
      };
}

/** RFC 3339 → Unix ms. */
export function parseDeadline(input: Input): Parsed<number> {
  const instant = parseInstant(String(input));
  return instant !== undefined
    ? { ok: true, value: instant }
    : { ok: false, reason: `${JSON.stringify(input)} is not a date and time such as "2026-12-01T06:00:00Z"` };
}

/** An address, IPv4 or IPv6. */
export const parseHostAddress = (input: Input): Parsed<string> =>
  isIP(String(input)) !== 0
    ? { ok: true, value: String(input) }
    : { ok: false, reason: `${JSON.stringify(input)} is not an IP address` };

/** An address, or `host-gateway`: the machine that the container is on. */
export const parseExtraHost = (input: Input): Parsed<string> =>
  input === 'host-gateway' ? { ok: true, value: input } : parseHostAddress(input);

/** A limit of getrlimit(2), or `unlimited` (-1). */
export const parseProcessLimit = (input: Input): Parsed<number> =>
  input === 'unlimited'
    ? { ok: true, value: -1 }
    : typeof input === 'number' && Number.isSafeInteger(input) && input >= 0
      ? { ok: true, value: input }
      : { ok: false, reason: `${JSON.stringify(input)} is neither a whole number from 0 on nor "unlimited"` };

/** Swap beyond the memory limit; `none` is 0. */
export const parseSwap = (input: Input): Parsed<number | 'unlimited'> =>
  input === 'none' ? { ok: true, value: 0 } : orUnlimited(parseBytes)(input);

const parsers: Readonly<Record<string, (input: Input) => Parsed<unknown>>> = {
  cores: parseCores,
  bytes: parseBytes,
  bitRate: parseBitRate,
  duration: parseDuration,
  countOrPercent: parseCountOrPercent,
  percent: parsePercent,
  pieces: parsePieces,
  piecesAsked: parsePiecesAsked,
  cpuList: parseCpus,
  instant: parseDeadline,
  ip: parseIp,
  volumeSource: parseVolumeSource,
  coresOrUnlimited: orUnlimited(parseCores),
  bytesOrUnlimited: orUnlimited(parseBytes),
  publish: parsePublish,
  priority: parsePriority,
  countPercentOrPolicy: orWord('policy'),
  maxUnavailable: orWord('policy', 'quorum'),
  hostAddress: parseHostAddress,
  extraHost: parseExtraHost,
  processLimit: parseProcessLimit,
  swap: parseSwap,
};
