/**
 * `next`, with every part that is equal to its counterpart in `previous` replaced by that very counterpart; `previous`
 * itself when all is equal. Whoever keeps what they worked out from a part can then tell by identity that it still
 * holds. For plain data: values, lists (compared place by place), records and maps. Changes neither.
 */
export function share<Value>(previous: Value, next: Value): Value {
  if (isEqual(previous, next)) return previous;
  if (Array.isArray(previous) && Array.isArray(next)) {
    return next.map((item: unknown, index) => (index < previous.length ? share(previous[index], item) : item)) as Value;
  }
  if (previous instanceof Map && next instanceof Map) return shareMap(previous, next) as Value;
  return isRecord(previous) && isRecord(next) ? (shareRecord(previous, next) as Value) : next;
}

/** As `share` for a list whose items are told apart by a name, so that one more or less changes none of the others. */
export function shareByName<Item>(
  previous: readonly Item[],
  next: readonly Item[],
  nameOf: (item: Item) => string,
): readonly Item[] {
  if (isEqual(previous, next)) return previous;
  const known = new Map(previous.map((item) => [nameOf(item), item]));
  return next.map((item) => {
    const before = known.get(nameOf(item));
    return before === undefined ? item : share(before, item);
  });
}

/** Mostly all is equal, and this makes no garbage to find out. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && isEqualList(a, b);
  if (a instanceof Map) return b instanceof Map && isEqualMap(a, b);
  return isRecord(b) && isEqualRecord(a as PlainRecord, b);
}

function isEqualList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (!isEqual(a[index], b[index])) return false;
  return true;
}

function isEqualMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of b) if (!a.has(key) || !isEqual(a.get(key), value)) return false;
  return true;
}

type PlainRecord = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is PlainRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);

/** Goes through the members as they are, without making a list of their names: there are millions of them. */
function isEqualRecord(a: PlainRecord, b: PlainRecord): boolean {
  let more = 0;
  for (const key in b) {
    if (!isEqual(a[key], b[key]) || !Object.hasOwn(a, key)) return false;
    more += 1;
  }
  for (const _ in a) more -= 1;
  return more === 0;
}

const shareMap = (
  previous: ReadonlyMap<unknown, unknown>,
  next: ReadonlyMap<unknown, unknown>,
): ReadonlyMap<unknown, unknown> =>
  new Map([...next].map(([key, value]) => [key, previous.has(key) ? share(previous.get(key), value) : value]));

function shareRecord(previous: PlainRecord, next: PlainRecord): PlainRecord {
  const shared: Record<string, unknown> = { ...next };
  for (const [key, value] of Object.entries(next)) {
    if (Object.hasOwn(previous, key)) shared[key] = share(previous[key], value);
  }
  return shared;
}
