import { canonicalJson } from '../model/hash.ts';
import type { EngineKind } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { DisruptionClass, FieldChange } from '../model/plan.ts';
import type { Holds } from '../model/recorded.ts';
import { onlinePriority, type Revision } from '../model/revision.ts';

/** What differs between two revisions, field by field in path order, each with the least that has to be done about it. */
export function compareRevisions(
  before: Revision,
  after: Revision,
  liveFields: Readonly<Record<string, readonly string[]>>,
): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  const live = before.engine === after.engine ? (liveFields[after.engine] ?? []) : [];
  collect(withDefaults(before), withDefaults(after), '', (path, old, now) => {
    changes.push({
      path,
      ...(old !== undefined && { before: old }),
      ...(now !== undefined && { after: now }),
      class: classOf(path, live),
    });
  });
  return changes.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** The first option of an engine's own block is compared as one, not as a block that was not there; a priority as a number. */
const withDefaults = (revision: Revision): Revision => ({
  ...revision,
  priority: revision.priority ?? onlinePriority,
  options: revision.options ?? {},
});

/** The most disturbing class of all: what the step as a whole is. */
export function worstClass(changes: readonly FieldChange[]): DisruptionClass {
  let worst: DisruptionClass = 'none';
  for (const change of changes) {
    if (classes.indexOf(change.class) > classes.indexOf(worst)) worst = change.class;
  }
  return worst;
}

const classes: readonly DisruptionClass[] = ['none', 'live', 'restart', 'recreate', 'dataLoss'];

/** What an engine does not say that it can change in place needs a new object. */
export const classOf = (path: string, liveFields: readonly string[]): DisruptionClass =>
  liveFields.some((field) => isAtOrBelow(path, field)) ? 'live' : 'recreate';

/** `*` in a pointer stands for any one key: the field of every member of a list. */
export function isAtOrBelow(path: string, pointer: string): boolean {
  if (!pointer.includes('/*')) return path === pointer || path.startsWith(`${pointer}/`);
  const keys = path.split('/');
  return pointer.split('/').every((key, index) => index < keys.length && (key === '*' || key === keys[index]));
}

/** Lists are compared member by member while they have the same length and names, and as a whole otherwise. */
function collect(
  before: unknown,
  after: unknown,
  path: string,
  report: (path: string, before: unknown, after: unknown) => void,
): void {
  if (Object.is(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      collect(before[key], after[key], `${path}/${escapePointer(key)}`, report);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && haveSameMembers(before, after)) {
    before.forEach((member, index) => {
      collect(member, after[index], `${path}/${index}`, report);
    });
    return;
  }
  if (canonicalJson(before) !== canonicalJson(after)) report(path, before, after);
}

/** Volumes and ports are known by their names: where others stand in their places, a comparison by place would mislead. */
const haveSameMembers = (before: readonly unknown[], after: readonly unknown[]): boolean =>
  before.length === after.length && before.every((member, index) => nameOf(member) === nameOf(after[index]));

const nameOf = (member: unknown): unknown => (isRecord(member) ? member['name'] : undefined);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const unescapePointer = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');

const none: readonly FieldChange[] = [];

/** Mostly nobody has changed anything: saying so of a hundred thousand objects makes no lists. */
export function isAsMade({ actual, held }: ObservedObject, holds: Holds): boolean {
  for (const _path in actual) return false;
  return held === undefined || (held.cpuset === holds.cpuset && held.ip === holds.ip);
}

/** Settings that the engine reports differently from the revision: the object was changed behind our back. */
export function compareActual(
  revision: Revision,
  actual: Readonly<Record<string, unknown>>,
  options: { readonly liveFields: readonly string[]; readonly ignoreFields: readonly string[] },
): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  for (const path of Object.keys(actual).sort()) {
    const expected = valueAt(revision, path);
    const found = actual[path];
    if (Object.is(expected, found) || canonicalJson(expected) === canonicalJson(found)) continue;
    if (options.ignoreFields.some((pointer) => isAtOrBelow(path, pointer))) continue;
    changes.push({
      path,
      // `null`: the engine says that it is not set.
      ...(found !== undefined && found !== null && { before: found }),
      ...(expected !== undefined && { after: expected }),
      class: classOf(path, options.liveFields),
    });
  }
  return changes;
}

/**
 * What the engine reports of an allocation's cores and address, where it is not what is held. Cores that it should have
 * are given back in place; from cores that it should not be bound to, and to another address, leads only a new object.
 */
export function compareHeld(
  holds: Holds,
  held: ObservedObject['held'],
  ignoreFields: readonly string[],
): readonly FieldChange[] {
  if (held === undefined || (held.cpuset === holds.cpuset && held.ip === holds.ip)) return none;
  return (['cpuset', 'ip'] as const).flatMap((key): readonly FieldChange[] => {
    const path = `/holds/${key}`;
    const [found, expected] = [held[key], holds[key]];
    if (found === expected || ignoreFields.some((pointer) => isAtOrBelow(path, pointer))) return [];
    return [
      {
        path,
        ...(found !== undefined && { before: found }),
        ...(expected !== undefined && { after: expected }),
        class: key === 'cpuset' && expected !== undefined ? 'live' : 'recreate',
      },
    ];
  });
}

/** What stands at a JSON pointer; undefined where nothing does. */
export function valueAt(revision: Partial<Revision>, pointer: string): unknown {
  let value: unknown = revision;
  for (const key of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[unescapePointer(key)];
  }
  return value;
}

export const liveFieldsOf = (liveFields: Readonly<Record<string, readonly string[]>>, engine: EngineKind) =>
  liveFields[engine] ?? [];
