import type { Diagnostic, Severity } from '../model/diagnostics.ts';
import type { SourceDocument } from './document.ts';

/** A mistake in a document, before anybody has looked up where in the text it is. */
export interface Problem {
  readonly document: SourceDocument;
  readonly code: string;
  readonly severity?: Severity;
  readonly message: string;
  /** JSON pointer; empty is the whole document. */
  readonly pointer: string;
  /** Whether the key or its value is marked; the value by default. */
  readonly target?: 'key' | 'value';
  readonly found?: string;
  readonly allowed?: readonly string[];
  readonly hint?: string;
  /** The other half, such as the first of two duplicates. */
  readonly related?: { readonly document: SourceDocument; readonly pointer: string; readonly message: string };
}

/** Finds the places in the text: only what has a problem is parsed a second time. */
export async function toDiagnostics(problems: readonly Problem[]): Promise<readonly Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  for (const problem of problems) diagnostics.push(await toDiagnostic(problem));
  return diagnostics;
}

async function toDiagnostic(problem: Problem): Promise<Diagnostic> {
  const {
    document,
    code,
    severity = 'error',
    message,
    pointer,
    target = 'value',
    found,
    allowed,
    hint,
    related,
  } = problem;
  const { file = document.file, range, excerpt } = await document.locate(pointer, target);
  const other = related === undefined ? undefined : await related.document.locate(related.pointer, 'value');
  const patched = {
    file: document.file,
    line: document.line,
    message: `the ${document.kind} ${document.name}, which this patches`,
  };
  return {
    code,
    severity,
    message,
    file,
    range,
    pointer,
    ...(found !== undefined && { found }),
    ...(allowed !== undefined && { allowed }),
    ...(hint !== undefined && { hint }),
    excerpt,
    ...(related === undefined && file !== document.file && { related: patched }),
    ...(related !== undefined &&
      other !== undefined && {
        related: {
          file: other.file ?? related.document.file,
          line: other.range.line,
          message: related.message,
        },
      }),
  };
}

/** By file, place, code and message, each once: the same repo gives the same report. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const keyed = new Map(diagnostics.map((diagnostic) => [sortKey(diagnostic), diagnostic]));
  return [...keyed].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, diagnostic]) => diagnostic);
}

function sortKey({ file, range, code, pointer = '', message }: Diagnostic): string {
  const place = [range?.line ?? 0, range?.column ?? 0].map((number) => String(number).padStart(8, '0'));
  return [file, ...place, code, pointer, message].join('\u0000');
}
