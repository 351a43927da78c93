import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Desired } from '../model/desired.ts';
import { type Diagnostic, hasErrors } from '../model/diagnostics.ts';
import { assemble } from './assemble.ts';
import { type DocumentCache, openDocumentCache } from './cache.ts';
import { checkAcross } from './check.ts';
import { checkAllowed } from './check-allowed.ts';
import { checkOverrides } from './check-overrides.ts';
import { checkUnique } from './check-unique.ts';
import { openDesiredCache } from './desired-cache.ts';
import type { SourceDocument } from './document.ts';
import { SourceError } from './error.ts';
import { resolveIncludes } from './include.ts';
import { normalise } from './normalise.ts';
import { openInclude, openTree } from './open.ts';
import { type Problem, sortDiagnostics, toDiagnostics } from './problem.ts';
import { type FreshFile, type ReadTree, readTree, toCached } from './read.ts';
import type { Cluster } from './schema-types.generated.ts';
import type { SourceLocation, SourceTree } from './tree.ts';
import { loadValidator } from './validate.ts';

export interface LoadOptions {
  /** Where the Cluster document is. */
  readonly location: SourceLocation;
  /** Remembers parsed files and mirrors of repositories between runs. Absent: a directory of this user's, shared by all clusters. */
  readonly cacheDir?: string;
  /** No remote source is contacted: they count as unreadable. */
  readonly offline?: boolean;
}

export interface LoadResult {
  /** Absent where a document has an error. */
  readonly desired?: Desired;
  /** All of them, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly stats: {
    readonly files: number;
    readonly documents: number /** Not found in the cache. */;
    readonly parsedFiles: number;
  };
}

/**
 * A config repo → what it declares, or everything that is wrong with it. Files that were seen before (by blob id) are
 * neither parsed nor validated again. Throws nothing for what a user can get wrong: that is in `diagnostics`.
 */
export async function loadDesired(options: LoadOptions): Promise<LoadResult> {
  const loading = startLoading(options);
  const today = new Date().toISOString().slice(0, 10);
  const whole = openDesiredCache({ cacheDir: loading.cacheDir, location: options.location, today });
  try {
    const tree = await openTree(options.location, { name: localSourceName, cacheDir: loading.cacheDir });
    const known = tree.diagnostics.length === 0 ? whole.get(tree) : undefined;
    if (known !== undefined) {
      return { desired: known, diagnostics: [], stats: { files: tree.files.length, documents: 0, parsedFiles: 0 } };
    }
    const local = await readLocal(tree, loading);
    const remote = await readRemotes(local, loading);
    const documents = [...local.documents, ...remote];
    const valid = await validateAll(documents, loading);
    if (!documents.some(({ kind }) => kind === 'Cluster')) loading.diagnostics.push(noCluster);
    const { declarations, problems } = normalise(valid);
    loading.problems.push(
      ...problems,
      ...checkUnique(declarations, documents),
      ...checkAllowed(valid, local.cluster),
      ...checkAcross(declarations, documents),
      ...checkOverrides(valid, today),
    );
    await loading.cache.flush();
    const diagnostics = sortDiagnostics([...loading.diagnostics, ...(await toDiagnostics(loading.problems))]);
    const desired = hasErrors(diagnostics) ? undefined : assemble(declarations, loading);
    if (desired !== undefined && diagnostics.length === 0 && standsAlone(tree, loading)) await whole.put(tree, desired);
    return { ...(desired !== undefined && { desired }), diagnostics, stats: loading.stats };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { diagnostics: sortDiagnostics([...loading.diagnostics, error.diagnostic]), stats: loading.stats };
  }
}

/**
 * Nothing but the tree made it what it is. Remembered whole at the second look: a tree that is read for the first time
 * is a commit that may never be read again.
 */
const standsAlone = (tree: SourceTree, { stats, commits, incompleteSources }: Loading): boolean =>
  stats.parsedFiles === 0 &&
  stats.files === tree.files.length &&
  Object.keys(commits).length === 1 &&
  incompleteSources.length === 0;

const noCluster: Diagnostic = {
  code: 'MUS1301',
  severity: 'error',
  message: 'there is no Cluster document',
  file: 'cluster.yaml',
  hint: 'add a file cluster.yaml: {apiVersion: muster/v1, kind: Cluster, metadata: {name: NAME}, spec: {}}; or point at the folder that has it',
};

/** The name of the source that holds the Cluster document where it does not name itself. */
const localSourceName = 'config';

/** What accumulates while a repo is loaded. */
interface Loading {
  readonly options: LoadOptions;
  readonly cacheDir: string;
  readonly cache: DocumentCache;
  readonly problems: Problem[];
  readonly diagnostics: Diagnostic[];
  readonly fresh: FreshFile[];
  /** Values of documents that were valid before. */
  readonly known: Set<unknown>;
  readonly commits: Record<string, Desired['commits'][string]>;
  readonly incompleteSources: string[];
  readonly stats: { files: number; documents: number; parsedFiles: number };
}

function startLoading(options: LoadOptions): Loading {
  const cacheDir =
    options.cacheDir ?? join(process.env['XDG_CACHE_HOME'] ?? tmpdir(), `muster-${process.getuid?.() ?? 'cache'}`);
  return {
    options,
    cacheDir,
    cache: openDocumentCache(cacheDir),
    problems: [],
    diagnostics: [],
    fresh: [],
    known: new Set(),
    commits: {},
    incompleteSources: [],
    stats: { files: 0, documents: 0, parsedFiles: 0 },
  };
}

interface Local {
  readonly documents: readonly SourceDocument[];
  /** The first Cluster document; more than one is an error that is found later. */
  readonly cluster: SourceDocument | undefined;
}

type SourceSpec = NonNullable<Cluster['spec']['sources']>[number];

/** The repo that holds the Cluster document, with its includes and patches. */
async function readLocal(tree: SourceTree, loading: Loading): Promise<Local> {
  const { location } = loading.options;
  const read = await readTree(tree, { source: localSourceName, isRemote: false, cache: loading.cache });
  record(read, tree.files.length, loading);
  const open = async (path: string): Promise<readonly SourceDocument[]> => {
    const included = await openInclude(
      location,
      { path, commit: tree.commit },
      { name: localSourceName, cacheDir: loading.cacheDir },
    );
    const more = await readTree(included, { source: localSourceName, isRemote: false, cache: loading.cache });
    record(more, included.files.length, loading);
    return more.documents;
  };
  const { documents, problems } = await resolveIncludes({ location, documents: read.documents, open });
  loading.problems.push(...problems);
  const isCluster = ({ kind }: SourceDocument) => kind === 'Cluster';
  const spec = sourcesOf(documents.find(isCluster)).find((source) => isLocal(source, location));
  const name = spec?.name ?? localSourceName;
  loading.commits[name] = tree.commit;
  const named = name === localSourceName ? documents : documents.map((document) => ({ ...document, source: name }));
  return { documents: named, cluster: named.find(isCluster) };
}

/** Sources of the right shape; what is wrong with the others is found by validation. */
function sourcesOf(cluster: SourceDocument | undefined): readonly SourceSpec[] {
  const spec = cluster?.value['spec'] as { readonly sources?: unknown } | null | undefined;
  const sources: readonly unknown[] = Array.isArray(spec?.sources) ? spec.sources : [];
  return sources.filter(
    (source): source is SourceSpec => typeof (source as { readonly name?: unknown } | null)?.name === 'string',
  );
}

const isLocal = (source: SourceSpec, location: SourceLocation): boolean =>
  source.url === undefined || (location.kind === 'git' && source.url === location.url);

/** The other repos that the Cluster document names. One that cannot be read is a warning: nothing of it is removed. */
async function readRemotes(local: Local, loading: Loading): Promise<readonly SourceDocument[]> {
  const documents: SourceDocument[] = [];
  for (const [index, source] of sourcesOf(local.cluster).entries()) {
    if (local.cluster === undefined || isLocal(source, loading.options.location)) continue;
    const { name, url = '', branch = 'main', path = '.' } = source;
    try {
      if (loading.options.offline === true) throw new Error('remote sources are not read in offline mode');
      const tree = await openTree({ kind: 'git', url, ref: branch, path }, { name, cacheDir: loading.cacheDir });
      const read = await readTree(tree, { source: name, isRemote: true, cache: loading.cache });
      record(read, tree.files.length, loading);
      loading.commits[name] = tree.commit;
      documents.push(...read.documents);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      loading.incompleteSources.push(name);
      loading.problems.push({
        document: local.cluster,
        severity: 'warning',
        code: 'MUS1322',
        pointer: `/spec/sources/${index}`,
        message: `the source ${name} cannot be read: ${error.message}`,
        hint: 'nothing that it may declare is changed or removed until it can',
      });
    }
  }
  return documents;
}

function record(read: ReadTree, files: number, { stats, fresh, known, diagnostics }: Loading): void {
  stats.files += files;
  stats.documents += read.documents.length;
  stats.parsedFiles += read.parsedFiles;
  for (const value of read.known) known.add(value);
  fresh.push(...read.fresh);
  diagnostics.push(...read.diagnostics);
}

/**
 * Documents that fit their schemas. Only what is new or was patched is validated: what is in the cache was valid. Files
 * whose documents are valid as they stand in the file go into the cache.
 */
async function validateAll(documents: readonly SourceDocument[], loading: Loading): Promise<readonly SourceDocument[]> {
  const { known, fresh, problems, cache } = loading;
  if (fresh.length === 0 && documents.every(({ value }) => known.has(value))) return documents;
  const validate = await loadValidator();
  const isValid = new Map<unknown, boolean>();
  const check = (document: SourceDocument): readonly Problem[] => {
    const found = validate(document);
    isValid.set(document.value, found.length === 0);
    return found;
  };
  const valid: SourceDocument[] = [];
  for (const document of documents) {
    const found = known.has(document.value) ? [] : check(document);
    problems.push(...found);
    if (found.length === 0) valid.push(document);
  }
  const present = new Set(documents.map(placeOf));
  for (const file of fresh) {
    for (const document of file.documents.filter(({ value }) => !isValid.has(value))) {
      const found = check(document);
      // A patched document is judged as patched; one that was left out (the Cluster of an include) as it stands.
      if (!present.has(placeOf(document))) problems.push(...found);
    }
    if (file.documents.every(({ value }) => isValid.get(value) === true))
      cache.put(file.blobId, file.documents.map(toCached));
  }
  return valid;
}

const placeOf = ({ file, index }: SourceDocument): string => `${file}\n${index}`;
