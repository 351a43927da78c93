import { milliPerPiece, type Resources } from '../model/resources.ts';
import { type Parsed, parseBitRate, parseBytes, parseCores } from '../model/units.ts';
import { escapePointer } from './pointer.ts';
import { quantity, type Where } from './reading.ts';

/** Resources as documents write them, extended ones in whole pieces. */
interface Amounts {
  readonly cpu?: string | number;
  readonly memory?: string | number;
  readonly storage?: string | number;
  readonly bandwidth?: string | number;
  readonly extended?: Readonly<Record<string, number>>;
}

/** What is written, zeros too: for a capacity or a limit nothing and zero differ. Extended ones in thousandths. */
export function amounts(value: Amounts | undefined, where: Where): Resources {
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
  for (const [name, pieces] of sortedEntries(value.extended ?? {})) result[name] = pieces * milliPerPiece;
  return result as Resources;
}

/** The countable resources (`gpu/a100`) that are written beside the base ones, in thousandths of a piece, sorted by name. */
export function extendedOf(
  value: object | undefined,
  parse: (input: string | number) => Parsed<number>,
  where: Where,
): Readonly<Record<string, number>> {
  const { reading, pointer } = where;
  const written = Object.entries(value ?? {}).filter(([name]) => name.includes('/')) as [string, string | number][];
  const amounts = written.map(([name, pieces]): readonly [string, number] => {
    const place = `${pointer}/${escapePointer(name)}`;
    return [canonicalKind(name), quantity(reading, parse, { value: pieces, pointer: place, fallback: 0 })];
  });
  return sortedMap(Object.fromEntries(amounts));
}

/** `gpu/v100|a100` → `gpu/a100|v100`: models that will all do have no order. */
function canonicalKind(name: string): string {
  const slash = name.indexOf('/');
  const models = [...new Set(name.slice(slash + 1).split('|'))].sort();
  return `${name.slice(0, slash)}/${models.join('|')}`;
}

export const sortedEntries = <T>(map: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The same map with its keys in order, so that the order in a document changes nothing. */
export const sortedMap = <T>(map: Readonly<Record<string, T>> | undefined): Readonly<Record<string, T>> =>
  map === undefined ? {} : Object.fromEntries(sortedEntries(map));
