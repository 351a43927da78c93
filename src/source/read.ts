import type { Diagnostic } from '../model/diagnostics.ts';
import type { CachedDocument, DocumentCache } from './cache.ts';
import type { Location, SourceDocument } from './document.ts';
import { SourceError } from './error.ts';
import type { ParsedDocument } from './parse.ts';
import type { SourceFile, SourceTree } from './tree.ts';

/** The documents of a tree as plain data. */
export interface ReadTree {
  readonly documents: readonly SourceDocument[];
  /** Files that were not in the cache and whose text is in order: once its documents are valid too, a file is put there. */
  readonly fresh: readonly FreshFile[];
  /** Values of documents from the cache: they were valid when they were put there. */
  readonly known: ReadonlySet<unknown>;
  readonly parsedFiles: number;
  readonly diagnostics: readonly Diagnostic[];
}

export interface FreshFile {
  readonly blobId: string;
  readonly documents: readonly SourceDocument[];
}

/** Files read at once: enough to hide the disk, few enough to bound memory. */
const filesAtOnce = 64;

/** Reads every file of a tree: from the cache where its blob is known, else by parsing it. Nothing is validated yet. */
export async function readTree(
  tree: SourceTree,
  options: { readonly source: string; readonly isRemote: boolean; readonly cache: DocumentCache },
): Promise<ReadTree> {
  const documents: SourceDocument[] = [];
  const fresh: FreshFile[] = [];
  const known = new Set<unknown>();
  let parsedFiles = 0;
  const diagnostics: Diagnostic[] = tree.diagnostics.map((diagnostic) => ({
    ...diagnostic,
    file: shownFile(diagnostic.file, options),
  }));
  for (let at = 0; at < tree.files.length; at += filesAtOnce) {
    const batch = tree.files.slice(at, at + filesAtOnce);
    for (const read of await Promise.all(batch.map((file) => readFile(file, options)))) {
      documents.push(...read.documents);
      diagnostics.push(...read.diagnostics);
      if (read.isCached) for (const { value } of read.documents) known.add(value);
      else parsedFiles += 1;
      if (!read.isCached && read.diagnostics.length === 0)
        fresh.push({ blobId: read.blobId, documents: read.documents });
    }
  }
  return { documents, fresh, known, parsedFiles, diagnostics };
}

/** What the cache keeps of a document. */
export function toCached({ index, kind, namespace, name, line, value }: SourceDocument): CachedDocument {
  return { index, kind, ...(namespace !== undefined && { namespace }), name, line, value };
}

const shownFile = (
  file: string,
  { source, isRemote }: { readonly source: string; readonly isRemote: boolean },
): string => (isRemote ? `${source}:${file}` : file);

interface ReadFile {
  readonly blobId: string;
  readonly documents: readonly SourceDocument[];
  readonly diagnostics: readonly Diagnostic[];
  readonly isCached: boolean;
}

let parser: Promise<typeof import('./parse.ts')> | undefined;

/** Loaded when needed, and once: a repo that comes from the cache whole needs no YAML parser. */
function loadParser(): Promise<typeof import('./parse.ts')> {
  parser ??= import('./parse.ts');
  return parser;
}

async function readFile(
  file: SourceFile,
  options: { readonly source: string; readonly isRemote: boolean; readonly cache: DocumentCache },
): Promise<ReadFile> {
  const { blobId } = file;
  const { source } = options;
  const path = shownFile(file.path, options);
  const cached = await options.cache.get(blobId);
  if (cached !== undefined) {
    const locator = locatorOf(() => file.read());
    return {
      blobId,
      documents: cached.map((document) => ({
        ...document,
        source,
        file: path,
        blobId,
        locate: locator(document.index),
      })),
      diagnostics: [],
      isCached: true,
    };
  }
  try {
    const text = await file.read();
    const { parseFile } = await loadParser();
    const locator = locatorOf(async () => text);
    const parsed = parseFile(text, path);
    const documents = parsed.documents.map((document) => ({
      ...identityOf(document),
      source,
      file: path,
      blobId,
      locate: locator(document.index),
    }));
    return { blobId, documents, diagnostics: parsed.diagnostics, isCached: false };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { blobId, documents: [], diagnostics: [{ ...error.diagnostic, file: path }], isCached: false };
  }
}

/** What a document says it is, as far as it does: what is missing or of the wrong type is for validation to report. */
function identityOf({ index, line, value }: ParsedDocument): CachedDocument {
  const map = isMap(value) ? value : {};
  const metadata = isMap(map['metadata']) ? map['metadata'] : {};
  const text = (field: unknown) => (typeof field === 'string' ? field : '');
  const namespace = metadata['namespace'] ?? (map['kind'] === 'Workload' ? 'default' : undefined);
  return {
    index,
    line,
    kind: text(map['kind']),
    ...(typeof namespace === 'string' && { namespace }),
    name: text(metadata['name']),
    value: value as Readonly<Record<string, unknown>>,
  };
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Finds places in a file; its text is parsed again at the first question and then kept. */
function locatorOf(read: () => Promise<string>): (index: number) => SourceDocument['locate'] {
  let parsed: Promise<(index: number, pointer: string, target: 'key' | 'value') => Location> | undefined;
  const parse = async () => {
    const text = await read();
    const { parseDocuments } = await import('./parse.ts');
    const { linesOf, locatePointer } = await import('./position.ts');
    const lines = linesOf(text);
    const documents = parseDocuments(text, () => {});
    return (index: number, pointer: string, target: 'key' | 'value'): Location => {
      const document = documents[index];
      return document === undefined ? lines.location(0, 0) : locatePointer(document, lines, pointer, target);
    };
  };
  return (index) => async (pointer, target) => {
    parsed ??= parse();
    return (await parsed)(index, pointer, target);
  };
}
