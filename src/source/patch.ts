import type { Location, SourceDocument } from './document.ts';
import { matchesPattern } from './pattern.ts';
import type { Problem } from './problem.ts';

type Plain = Readonly<Record<string, unknown>>;

/** JSON pointer in a patched document → the patch's pointer in its Cluster document. */
type Origins = Map<string, string>;

/**
 * Applies `Cluster.spec.patches` to plain documents, in order, before they are validated: maps merge, lists of named
 * items merge by name, any other list is replaced, `null` deletes. What a patch put into a document is located in the
 * patch from then on. The documents given are not changed; those that no patch meets are returned as they are.
 */
export function applyPatches(
  cluster: SourceDocument,
  documents: readonly SourceDocument[],
): { readonly documents: readonly SourceDocument[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  let patched = documents;
  for (const [index, patch] of patchesOf(cluster).entries()) {
    const pointer = `/spec/patches/${index}`;
    const identity = identityChange(patch.merge);
    if (identity !== undefined) {
      const at = `${pointer}/merge/${identity}`;
      const message = `a patch cannot change ${identity.replaceAll('/', '.')}: that would make it another document`;
      const hint = 'patch spec, metadata.labels or metadata.annotations; narrow the target to say which document';
      problems.push({ document: cluster, code: 'MUS1206', message, pointer: at, target: 'key', hint });
      continue;
    }
    let matches = 0;
    patched = patched.map((document) => {
      if (document === cluster || !isTarget(document, patch.target)) return document;
      matches += 1;
      return patchDocument(document, patch.merge, { cluster, pointer: `${pointer}/merge` });
    });
    if (matches === 0) problems.push(matchesNothing(cluster, `${pointer}/target`, patch.target, documents));
  }
  return { documents: patched, problems };
}

interface Patch {
  readonly target: Target;
  readonly merge: Plain;
}

interface Target {
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Patches of the right shape; the schema's check of the Cluster document reports the others. */
function patchesOf(cluster: SourceDocument): readonly Patch[] {
  const patches = isPlain(cluster.value['spec']) ? cluster.value['spec']['patches'] : undefined;
  if (!Array.isArray(patches)) return [];
  return patches.map((patch: unknown): Patch => {
    const target = isPlain(patch) && isPlain(patch['target']) ? patch['target'] : {};
    const merge = isPlain(patch) && isPlain(patch['merge']) ? patch['merge'] : {};
    const { kind, namespace, name } = target;
    return {
      target: {
        kind: String(kind),
        ...(typeof namespace === 'string' && { namespace }),
        ...(typeof name === 'string' && { name }),
      },
      merge,
    };
  });
}

/** The first of the fields that say which document it is, where a patch has one. */
function identityChange(merge: Plain): string | undefined {
  const metadata = isPlain(merge['metadata']) ? merge['metadata'] : {};
  if ('apiVersion' in merge) return 'apiVersion';
  if ('kind' in merge) return 'kind';
  if ('name' in metadata) return 'metadata/name';
  return 'namespace' in metadata ? 'metadata/namespace' : undefined;
}

const isTarget = (document: SourceDocument, target: Target): boolean =>
  document.kind === target.kind &&
  (target.name === undefined || matchesPattern(document.name, target.name)) &&
  (target.namespace === undefined || matchesPattern(document.namespace ?? '', target.namespace));

function matchesNothing(
  document: SourceDocument,
  pointer: string,
  target: Target,
  documents: readonly SourceDocument[],
): Problem {
  const { kind, namespace, name } = target;
  const wanted = [
    kind,
    ...(name === undefined ? [] : [name]),
    ...(namespace === undefined ? [] : [`in namespace ${namespace}`]),
  ];
  const ofKind = documents.filter((other) => other.kind === kind);
  const near = ofKind
    .map((other) => (other.namespace === undefined ? other.name : `${other.namespace}/${other.name}`))
    .sort();
  return {
    document,
    code: 'MUS1205',
    message: `the patch matches nothing: there is no ${wanted.join(' ')}`,
    pointer,
    target: 'key',
    ...(near.length > 0 && { allowed: near.slice(0, maxNamesShown) }),
    hint: near.length > 0 ? `correct the target, or delete the patch` : `no document is a ${kind}: delete the patch`,
  };
}

/** How many documents a message lists. */
const maxNamesShown = 10;

function patchDocument(
  document: SourceDocument,
  merge: Plain,
  patch: { readonly cluster: SourceDocument; readonly pointer: string },
): SourceDocument {
  const origins: Origins = new Map();
  const value = mergeMaps(document.value, merge, { at: '', from: patch.pointer, origins });
  return {
    ...document,
    value,
    locate: async (pointer, target) => {
      const origin = originOf(pointer, origins);
      if (origin === undefined) return document.locate(pointer, target);
      const location: Location = await patch.cluster.locate(origin, target);
      return { file: patch.cluster.file, ...location };
    },
  };
}

/** The nearest ancestor that the patch put there decides. */
function originOf(pointer: string, origins: Origins): string | undefined {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const origin = origins.get(at);
    if (origin !== undefined) return origin + pointer.slice(at.length);
  }
  return undefined;
}

interface Merging {
  /** Pointer into the document. */
  readonly at: string;
  /** Pointer into the Cluster document. */
  readonly from: string;
  readonly origins: Origins;
}

const inside = ({ at, from, origins }: Merging, key: string | number, fromKey: string | number = key): Merging => ({
  at: `${at}/${escapePointer(String(key))}`,
  from: `${from}/${escapePointer(String(fromKey))}`,
  origins,
});

const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

function mergeMaps(base: Plain, merge: Plain, merging: Merging): Plain {
  // A Map, so that a key such as __proto__ is a key like any other.
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(merge)) {
    const here = inside(merging, key);
    if (value === null) {
      merged.delete(key);
      here.origins.set(here.at, here.from);
    } else {
      merged.set(key, mergeValues(merged.get(key), value, here));
    }
  }
  return Object.fromEntries(merged);
}

function mergeValues(base: unknown, value: unknown, merging: Merging): unknown {
  if (isPlain(base) && isPlain(value)) return mergeMaps(base, value, merging);
  if (isNamedList(base) && isNamedList(value)) return mergeNamed(base, value, merging);
  merging.origins.set(merging.at, merging.from);
  return withoutNulls(value);
}

/** Items keep the base's order, so that pointers into it stay right; new ones are appended. */
function mergeNamed(base: readonly Plain[], value: readonly Plain[], merging: Merging): readonly Plain[] {
  const merged = [...base];
  for (const [fromIndex, item] of value.entries()) {
    const index = merged.findIndex((other) => other['name'] === item['name']);
    const before = merged[index];
    if (before === undefined) {
      const here = inside(merging, merged.length, fromIndex);
      here.origins.set(here.at, here.from);
      merged.push(withoutNulls(item) as Plain);
    } else {
      const { name: _, ...rest } = item;
      merged[index] = mergeMaps(before, rest, inside(merging, index, fromIndex));
    }
  }
  return merged;
}

/** There is nothing to delete in what is new. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isPlain(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}

/** Items with names that are all different; a name twice is a mistake that merging would hide. */
function isNamedList(value: unknown): value is readonly Plain[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const names = value.map((item: unknown) => (isPlain(item) ? item['name'] : undefined));
  return names.every((name) => typeof name === 'string') && new Set(names).size === names.length;
}

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
