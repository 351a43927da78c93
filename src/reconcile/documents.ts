import { open, readFile, rename, rm } from 'node:fs/promises';
import { type Plan, planFormatVersion } from '../model/plan.ts';
import { type Snapshot, type SnapshotTrees, snapshotFormatVersion } from '../model/snapshot/format.ts';
import { fromSnapshot, type LoadedSnapshot } from '../model/snapshot.ts';

/** A plan or snapshot file that cannot be read, or says something that it cannot mean. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
  readonly file: string;
  /** What the operator does next. */
  readonly hint: string | undefined;

  constructor(file: string, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(`${file}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.file = file;
    this.hint = options.hint;
  }
}

/** The plan that `muster plan --out` wrote. Keys of later minor versions are kept, other major versions refused. */
export async function readPlan(file: string): Promise<Plan> {
  const value = await readJson(file, 'plan');
  checkVersion(file, value, { kind: 'plan', ours: planFormatVersion });
  const { validatePlan } = await validators();
  checkSchema(file, value, validatePlan, 'plan');
  return value as unknown as Plan;
}

/** The world of a snapshot file, whoever made it. Every mistake is named by its JSON pointer. */
export async function readSnapshot(file: string, trees: SnapshotTrees): Promise<LoadedSnapshot> {
  const value = await readJson(file, 'snapshot');
  checkVersion(file, value, { kind: 'snapshot', ours: snapshotFormatVersion });
  const { validateSnapshot } = await validators();
  checkSchema(file, value, validateSnapshot, 'snapshot');
  const snapshot = value as unknown as Snapshot;
  if (snapshot.cluster !== trees.desired.cluster.name) {
    throw new DocumentError(file, `is of cluster ${snapshot.cluster}, not of ${trees.desired.cluster.name}`, {
      hint: 'Plan with a snapshot of the same cluster: `muster snapshot --out FILE`.',
    });
  }
  const loaded = fromSnapshot(snapshot, trees);
  if (loaded.problems.length > 0) throw problemsError(file, loaded.problems, 'snapshot');
  return loaded;
}

/** Written whole or not at all, and only then visible under its name. */
export async function writeDocument(file: string, chunks: Iterable<string>): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w', 0o644);
    try {
      for (const chunk of chunks) await handle.write(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new DocumentError(file, `cannot be written: ${messageOf(error)}`, {
      hint: 'Check that the folder exists, may be written to and has room.',
      cause: error,
    });
  }
}

/** A snapshot as text, a row a line: diffs well, and is never one string. */
export function* snapshotChunks(snapshot: Snapshot): Generator<string> {
  let separator = '{\n';
  for (const [key, value] of Object.entries(snapshot)) {
    yield `${separator}  ${JSON.stringify(key)}: `;
    separator = ',\n';
    if (Array.isArray(value) && value.length > 0) yield* rowChunks(value);
    else yield JSON.stringify(value);
  }
  yield '\n}\n';
}

const rowsPerChunk = 256;

function* rowChunks(rows: readonly unknown[]): Generator<string> {
  for (let start = 0; start < rows.length; start += rowsPerChunk) {
    const lines = rows.slice(start, start + rowsPerChunk).map((row) => `    ${JSON.stringify(row)}`);
    yield `${start === 0 ? '[\n' : ',\n'}${lines.join(',\n')}`;
  }
  yield '\n  ]';
}

type DocumentKind = 'plan' | 'snapshot';

const howToMake: Readonly<Record<DocumentKind, string>> = {
  plan: 'Make one with `muster plan --out FILE`.',
  snapshot: 'Make one with `muster snapshot --out FILE`; its format is described by schema/snapshot.schema.json.',
};

async function readJson(file: string, kind: DocumentKind): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new DocumentError(file, `cannot be read: ${messageOf(error)}`, { hint: howToMake[kind], cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DocumentError(file, `is not JSON: ${messageOf(error)}`, { hint: howToMake[kind], cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DocumentError(file, `is not a ${kind}: it is not an object`, { hint: howToMake[kind] });
  }
  return value as Readonly<Record<string, unknown>>;
}

function checkVersion(
  file: string,
  value: Readonly<Record<string, unknown>>,
  { kind, ours }: { readonly kind: DocumentKind; readonly ours: string },
): void {
  const version = value['formatVersion'];
  if (typeof version !== 'string' || !/^\d+\.\d+$/.test(version)) {
    throw new DocumentError(file, `is not a ${kind}: /formatVersion is ${JSON.stringify(version) ?? 'missing'}`, {
      hint: howToMake[kind],
    });
  }
  const [major] = ours.split('.');
  if (version.split('.')[0] !== major) {
    throw new DocumentError(file, `has format version ${version}; this Muster reads ${major}.x`, {
      hint: `Use the Muster that made it, or make it anew. ${howToMake[kind]}`,
    });
  }
}

interface DocumentValidator {
  (value: unknown): boolean;
  readonly errors?:
    | readonly {
        readonly keyword: string;
        readonly instancePath: string;
        readonly message?: string;
        readonly params: Readonly<Record<string, unknown>>;
      }[]
    | null;
}

/** Generated from schema/; loaded only by commands that read a document. */
async function validators(): Promise<{
  readonly validatePlan: DocumentValidator;
  readonly validateSnapshot: DocumentValidator;
}> {
  return await import('../source/generated/documents.ts');
}

function checkSchema(file: string, value: unknown, validate: DocumentValidator, kind: DocumentKind): void {
  if (validate(value)) return;
  const problems = (validate.errors ?? []).map(({ keyword, instancePath, message = 'is wrong', params }) => {
    if (keyword === 'required')
      return { pointer: `${instancePath}/${params['missingProperty']}`, message: 'is missing' };
    const allowed = params['allowedValues'];
    return { pointer: instancePath, message: `${message}${Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''}` };
  });
  throw problemsError(file, problems, kind);
}

const maxShown = 10;

function problemsError(
  file: string,
  problems: readonly { readonly pointer: string; readonly message: string }[],
  kind: DocumentKind,
): DocumentError {
  const shown = problems.slice(0, maxShown).map(({ pointer, message }) => `${pointer}: ${message}`);
  const more = problems.length > maxShown ? [`and ${problems.length - maxShown} more`] : [];
  return new DocumentError(file, `is not a valid ${kind}: ${[...shown, ...more].join('\n  ')}`, {
    hint: howToMake[kind],
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
