import type { RevisionHash } from '../../model/ids.ts';
import type { Revision } from '../../model/revision.ts';
import type { World } from './world.ts';

/** Why one revision cannot be made of another while the instance runs; undefined when it can. */
export type WhyNotInPlace = (from: RevisionHash, to: RevisionHash, body: Revision) => string | undefined;

/** Compares each pair of revisions once: every field that differs must be one that its engine changes in place. */
export function createInPlace({ inputs }: World): WhyNotInPlace {
  const known = new Map<RevisionHash, Map<RevisionHash, string | undefined>>();
  return (from, to, body) => {
    if (from === to) return undefined;
    let answers = known.get(from);
    if (answers === undefined) {
      answers = new Map();
      known.set(from, answers);
    }
    if (!answers.has(to)) {
      const live = (inputs.liveFields[body.engine] ?? []).map(patternOf);
      answers.set(to, reasonFor(inputs.recorded.revisions.get(from), body, live));
    }
    return answers.get(to);
  };
}

/** Matches what is at or below a pointer; `*` is any one key. */
const patternOf = (pointer: string): RegExp =>
  new RegExp(`^${pointer.replaceAll(/[.+?^$()[\]{}|\\]/g, '\\$&').replaceAll('*', '[^/]+')}(?:/|$)`);

function reasonFor(before: Revision | undefined, after: Revision, live: readonly RegExp[]): string | undefined {
  if (before === undefined) return 'nobody knows what it is made from';
  // An engine's own block that is not there has no options.
  const blocks = [before, after].map((body) => ({ ...body, options: body.options ?? {} }));
  const path = firstDifference(blocks[0], blocks[1], '', live);
  return path === undefined ? undefined : `${path} differs, and ${after.engine} does not change that while it runs`;
}

/** JSON pointer of a difference that is not at or below one of the live fields. */
function firstDifference(a: unknown, b: unknown, path: string, live: readonly RegExp[]): string | undefined {
  if (Object.is(a, b) || live.some((pattern) => pattern.test(path))) return undefined;
  if (!isTree(a) || !isTree(b) || Array.isArray(a) !== Array.isArray(b)) return path;
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const key = name.replaceAll('~', '~0').replaceAll('/', '~1');
    const found = firstDifference(a[name], b[name], `${path}/${key}`, live);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
