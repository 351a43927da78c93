import type { SourceDocument } from './document.ts';
import { type AjvError, explainErrors, type Schema } from './explain.ts';
import { shown } from './pointer.ts';
import type { Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

const apiVersion = 'muster/v1';

export const kinds = [
  'Cluster',
  'Policy',
  'Namespace',
  'Network',
  'Pod',
  'Node',
  'NodeSet',
  'Quota',
  'Workload',
  'Refactor',
] as const;

/** Checks documents one by one against the schema of their kind. */
type Validate = (document: SourceDocument) => readonly Problem[];

/** Loads the generated validators (100 kB), which only a document that is not in the cache needs. */
export async function loadValidator(): Promise<Validate> {
  const { validators } = (await import('./generated/validators.ts')) as {
    readonly validators: Readonly<Record<string, AjvValidator>>;
  };
  const { schemas } = (await import('./generated/schemas.ts')) as {
    readonly schemas: Readonly<Record<string, Schema>>;
  };
  return (document) => {
    const identity = identityProblems(document);
    if (identity.length > 0) return identity;
    const validator = validators[document.kind];
    const schema = schemas[document.kind];
    if (validator === undefined || schema === undefined)
      throw new Error(`no validator for ${document.kind}: run scripts/generate.ts`);
    if (validator(document.value)) return [];
    return explainErrors(validator.errors ?? [], { document, schema });
  };
}

interface AjvValidator {
  (value: unknown): boolean;
  readonly errors?: readonly AjvError[] | null;
}

/** What decides which schema counts: a document without it has only this problem. */
function identityProblems(document: SourceDocument): readonly Problem[] {
  const value: unknown = document.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [
      {
        document,
        code: 'MUS1009',
        pointer: '',
        message: 'a document must be a map with apiVersion, kind, metadata and spec',
        found: shown(value),
      },
    ];
  }
  const { apiVersion: version, kind } = document.value;
  const problems: Problem[] = [];
  if (version !== apiVersion) {
    const pointer = '/apiVersion';
    const missing = version === undefined;
    const hint = `every document starts with "apiVersion: ${apiVersion}"; files of other tools belong into a folder whose name starts with "."`;
    const message = missing ? 'this is not a Muster document: apiVersion is missing' : 'unknown apiVersion';
    problems.push({
      document,
      code: 'MUS1009',
      pointer,
      message,
      ...(!missing && { found: shown(version) }),
      allowed: [apiVersion],
      hint,
    });
  }
  // Without both it is another tool's file, and said to be.
  if (kind === undefined && version === undefined) return problems;
  if (kind === undefined)
    problems.push({ document, code: 'MUS1005', pointer: '', message: '"kind" is missing', allowed: kinds });
  else if (!(kinds as readonly unknown[]).includes(kind)) {
    const suggestion = typeof kind === 'string' ? didYouMean(kind, kinds) : {};
    problems.push({
      document,
      code: 'MUS1008',
      pointer: '/kind',
      message: 'unknown kind',
      found: shown(kind),
      allowed: kinds,
      ...suggestion,
    });
  }
  return problems;
}
