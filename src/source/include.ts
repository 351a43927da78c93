import { resolve } from 'node:path';
import { dirname, join } from 'node:path/posix';
import type { SourceDocument } from './document.ts';
import { SourceError } from './error.ts';
import { applyPatches } from './patch.ts';
import type { Problem } from './problem.ts';
import type { SourceLocation } from './tree.ts';

/** Includes of includes, this deep at most. */
const maxIncludeDepth = 16;

/** What a Cluster document of an included directory may say. */
const allowedInBase = ['include', 'patches'];

export interface IncludeRequest {
  readonly location: SourceLocation;
  /** Everything of the source's own directory. */
  readonly documents: readonly SourceDocument[];
  /** Reads another directory of the same repository, by its path from the source's root (`../base`). Throws `SourceError`. */
  open(path: string): Promise<readonly SourceDocument[]>;
}

export interface Included {
  /** Included documents first, patched; then the source's own, patched. Cluster documents of included directories are left out. */
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly Problem[];
  /** False when a directory could not be read: what it may declare is unknown. */
  readonly isComplete: boolean;
}

/**
 * Follows `Cluster.spec.include` (paths relative to the Cluster document's file) and applies `Cluster.spec.patches`,
 * innermost first: an included directory may itself include and patch, in a Cluster document that says nothing else.
 */
export async function resolveIncludes(request: IncludeRequest): Promise<Included> {
  const reading: Reading = {
    request,
    problems: [],
    directories: [absolutePath(request.location, '.')],
    isComplete: true,
  };
  const documents = await withIncludes(request.documents, reading, 0);
  return { documents, problems: reading.problems, isComplete: reading.isComplete };
}

interface Reading {
  readonly request: IncludeRequest;
  readonly problems: Problem[];
  /** Directories read so far. */
  readonly directories: string[];
  isComplete: boolean;
}

async function withIncludes(
  own: readonly SourceDocument[],
  reading: Reading,
  depth: number,
): Promise<readonly SourceDocument[]> {
  const cluster = own.find(({ kind }) => kind === 'Cluster');
  if (cluster === undefined) return own;
  const included: SourceDocument[] = [];
  for (const [index, path] of includesOf(cluster).entries()) {
    included.push(...(await readInclude({ cluster, pointer: `/spec/include/${index}`, path }, reading, depth)));
  }
  const { documents, problems } = applyPatches(cluster, [...included, ...own]);
  reading.problems.push(...problems);
  return documents;
}

interface Include {
  readonly cluster: SourceDocument;
  readonly pointer: string;
  /** As written. */
  readonly path: string;
}

async function readInclude(include: Include, reading: Reading, depth: number): Promise<readonly SourceDocument[]> {
  const { cluster, pointer } = include;
  const report = (problem: Omit<Problem, 'document' | 'pointer'>) => {
    reading.isComplete = false;
    reading.problems.push({ document: cluster, pointer, ...problem });
    return [];
  };
  const path = join(dirname(cluster.file), include.path);
  const absolute = absolutePath(reading.request.location, path);
  const overlap = reading.directories.find((read) => isBelow(absolute, read) || isBelow(read, absolute));
  if (overlap === absolute || depth >= maxIncludeDepth) return report(cycle(include.path));
  let documents: readonly SourceDocument[];
  try {
    documents = await reading.request.open(path);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const { code, message, hint } = error.diagnostic;
    return report({ code, message, ...(hint !== undefined && { hint }) });
  }
  if (overlap !== undefined) return report(overlapping(include.path));
  reading.directories.push(absolute);
  if (documents.length === 0) {
    return report({
      code: 'MUS1203',
      message: `the included directory ${include.path} holds no documents`,
      hint: 'check the path; it is relative to this file',
    });
  }
  const deciding = documents.filter(({ kind }) => kind === 'Cluster').flatMap(decidesTooMuch);
  reading.problems.push(...deciding);
  const all = await withIncludes(documents, reading, depth + 1);
  return all.filter(({ kind }) => kind !== 'Cluster');
}

const cycle = (path: string): Omit<Problem, 'document' | 'pointer'> => ({
  code: 'MUS1202',
  message: `include cycle: ${path} is read already, for this Cluster or for one that includes it`,
  hint: 'include every directory once; move what several need into one of its own',
});

const overlapping = (path: string): Omit<Problem, 'document' | 'pointer'> => ({
  code: 'MUS1202',
  message: `${path} holds, or is in, a directory that is read already`,
  hint: 'a directory is read with everything below it: delete this include, or include directories beside each other',
});

function decidesTooMuch(document: SourceDocument): readonly Problem[] {
  const spec = document.value['spec'];
  if (typeof spec !== 'object' || spec === null) return [];
  const others = Object.keys(spec).filter((key) => !allowedInBase.includes(key));
  return others.map(
    (key): Problem => ({
      document,
      code: 'MUS1204',
      pointer: `/spec/${key}`,
      target: 'key',
      message: `the Cluster document of an included directory cannot set ${key}`,
      allowed: allowedInBase,
      hint: 'move it into the Cluster document that includes this directory',
    }),
  );
}

/** Paths of the right type; the schema's check of the Cluster document reports the others. */
function includesOf(cluster: SourceDocument): readonly string[] {
  const { spec } = cluster.value as { readonly spec?: { readonly include?: unknown } | null };
  const include: unknown = spec?.include;
  return Array.isArray(include) ? include.map(String) : [];
}

/** The same for the same directory, however it is reached. */
const absolutePath = (location: SourceLocation, path: string): string =>
  location.kind === 'directory' ? resolve(location.path, path) : join('/', location.path, path).replace(/(.)\/$/, '$1');

const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
