import type { Resources } from '../model/resources.ts';
import { parseBitRate, parseBytes, parseCores } from '../model/units.ts';
import { quantity, type Reading } from './reading.ts';

/** The four base resources as documents write them. */
interface Amounts {
  readonly cpu?: string | number;
  readonly memory?: string | number;
  readonly storage?: string | number;
  readonly bandwidth?: string | number;
  readonly extended?: Readonly<Record<string, number>>;
}

/** What is written, zeros too: for a capacity or a limit nothing and zero differ. */
export function amounts(
  value: Amounts | undefined,
  where: { readonly reading: Reading; readonly pointer: string },
): Resources {
  if (value === undefined) return {};
  const { reading, pointer } = where;
  const result: Record<string, number> = {};
  const put = (dimension: string, amount: number | undefined) => {
    if (amount !== undefined) result[dimension] = amount;
  };
  put('cpuMillis', quantity(reading, parseCores, { value: value.cpu, pointer: `${pointer}/cpu`, fallback: undefined }));
  put(
    'memoryBytes',
    quantity(reading, parseBytes, { value: value.memory, pointer: `${pointer}/memory`, fallback: undefined }),
  );
  put(
    'storageBytes',
    quantity(reading, parseBytes, { value: value.storage, pointer: `${pointer}/storage`, fallback: undefined }),
  );
  put(
    'bandwidthBits',
    quantity(reading, parseBitRate, { value: value.bandwidth, pointer: `${pointer}/bandwidth`, fallback: undefined }),
  );
  for (const [name, pieces] of sortedEntries(value.extended ?? {})) result[name] = pieces;
  return result as Resources;
}

/** The countable resources (`gpu/a100`) that are written beside the base ones, sorted by name. */
export function extendedOf(value: object | undefined): Readonly<Record<string, number>> {
  const members = Object.entries(value ?? {}) as [string, number][];
  return Object.fromEntries(sortedEntries(Object.fromEntries(members.filter(([name]) => name.includes('/')))));
}

export const sortedEntries = <T>(map: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The same map with its keys in order, so that the order in a document changes nothing. */
export const sortedMap = <T>(map: Readonly<Record<string, T>> | undefined): Readonly<Record<string, T>> =>
  map === undefined ? {} : Object.fromEntries(sortedEntries(map));
