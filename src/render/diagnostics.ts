import { assertNever } from '../model/assert.ts';
import type { Diagnostic } from '../model/diagnostics.ts';
import {
  renderDiagnosticsGithub,
  renderDiagnosticsJson,
  renderDiagnosticsJunit,
  renderDiagnosticsSarif,
} from './diagnostics-ci.ts';
import { renderDiagnosticsText } from './diagnostics-text.ts';

export const diagnosticFormats = ['text', 'json', 'github', 'sarif', 'junit'] as const;
export type DiagnosticFormat = (typeof diagnosticFormats)[number];

/**
 * Diagnostics for a person or for a CI system, ordered by file, line and code. Text is empty when there are none; the
 * other formats are complete documents even then. `root` goes before every path: the way from the working directory to
 * the source's root, so that a terminal or CI finds the file.
 */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  format: DiagnosticFormat,
  options: { readonly color: boolean; readonly root?: string },
): string {
  const located = [...diagnostics].sort(compare).map((diagnostic) => below(options.root ?? '', diagnostic));
  switch (format) {
    case 'text':
      return renderDiagnosticsText(located, options);
    case 'json':
      return renderDiagnosticsJson(located);
    case 'github':
      return renderDiagnosticsGithub(located);
    case 'sarif':
      return renderDiagnosticsSarif(located);
    case 'junit':
      return renderDiagnosticsJunit(located);
    default:
      return assertNever(format);
  }
}

function compare(a: Diagnostic, b: Diagnostic): number {
  return (
    compareText(a.file, b.file) ||
    (a.range?.line ?? 0) - (b.range?.line ?? 0) ||
    (a.range?.column ?? 0) - (b.range?.column ?? 0) ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function below(root: string, diagnostic: Diagnostic): Diagnostic {
  const { related } = diagnostic;
  return {
    ...diagnostic,
    file: joinPath(root, diagnostic.file),
    ...(related !== undefined && { related: { ...related, file: joinPath(root, related.file) } }),
  };
}

/** A diagnostic about the source as a whole has no file and gets none; `payments:a.yaml` is in another repository. */
function joinPath(root: string, file: string): string {
  const parts: string[] = [];
  if (file === '' || root === '' || root === '.' || /^[^/]+:/.test(file)) return file;
  for (const part of `${root}/${file}`.split('/')) {
    if (part === '..' && parts.length > 0 && !['..', ''].includes(parts.at(-1) ?? '')) parts.pop();
    else if (part !== '.' && (part !== '' || parts.length === 0)) parts.push(part);
  }
  return parts.join('/');
}
