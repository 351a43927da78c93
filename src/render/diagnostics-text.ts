import type { Diagnostic } from '../model/diagnostics.ts';
import { hang, plural } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

/** Wider excerpts are cut around the marked place. */
const excerptWidth = 110;
/** Lists of what is allowed are wrapped here. */
const textWidth = 110;

/**
 * One block a diagnostic, then a line that counts them:
 *
 *     error[MUS1003] workloads/web.yaml:12:5: unknown key "replica" at /spec/replica
 *        12 |     replica: 3
 *           |     ^^^^^^^
 *       allowed: replicas, resources, …
 *       hint: did you mean "replicas"?
 */
export function renderDiagnosticsText(
  diagnostics: readonly Diagnostic[],
  options: { readonly color: boolean },
): string {
  if (diagnostics.length === 0) return '';
  const paint = createPaint(options);
  const blocks = diagnostics.map((diagnostic) => block(diagnostic, paint));
  return `${blocks.join('\n\n')}\n\n${summary(diagnostics)}\n`;
}

function block(diagnostic: Diagnostic, paint: Paint): string {
  const { allowed, found, hint, related } = diagnostic;
  const lines = [headline(diagnostic, paint), ...excerpt(diagnostic, paint)];
  if (found !== undefined) lines.push(detail('found', printable(found)));
  if (allowed !== undefined && allowed.length > 0) lines.push(detail('allowed', listed(allowed.map(printable))));
  if (related !== undefined) {
    lines.push(detail('see', `${printable(related.file)}:${related.line} ${printable(related.message)}`));
  }
  if (hint !== undefined) lines.push(paint.bold(detail('hint', printable(hint))));
  return lines.join('\n');
}

function headline(diagnostic: Diagnostic, paint: Paint): string {
  const { code, file, message, pointer, range, severity } = diagnostic;
  const kind = (severity === 'error' ? paint.bad : paint.warn)(`${severity}[${code}]`);
  const place = range === undefined ? file : `${file}:${range.line}:${range.column}`;
  const at = pointer === undefined || pointer === '' ? '' : paint.dim(` at ${printable(pointer)}`);
  return [kind, ...(place === '' ? [] : [paint.bold(`${printable(place)}:`)]), `${printable(message)}${at}`].join(' ');
}

function excerpt(diagnostic: Diagnostic, paint: Paint): readonly string[] {
  const { range } = diagnostic;
  const line = diagnostic.excerpt?.split('\n')[0];
  if (range === undefined || line === undefined) return [];
  const last = range.endLine > range.line ? line.length + 1 : range.endColumn;
  const from = Math.min(Math.max(range.column - 1, 0), line.length);
  const to = Math.max(Math.min(last - 1, line.length), from);
  const { before, marked, after } = cut(
    printable(line.slice(0, from)),
    printable(line.slice(from, to)),
    printable(line.slice(to)),
  );
  const gutter = `  ${String(range.line).padStart(4)} |`;
  const blank = `${' '.repeat(gutter.length - 1)}|`;
  const underline = paint.bad('^'.repeat(Math.max(1, displayWidth(marked))));
  return [
    `${paint.dim(gutter)} ${before}${marked}${after}`.trimEnd(),
    `${paint.dim(blank)} ${' '.repeat(displayWidth(before))}${underline}`,
  ];
}

/** Keeps the marked part in sight when the line is long. */
function cut(
  before: string,
  marked: string,
  after: string,
): { readonly before: string; readonly marked: string; readonly after: string } {
  const mark = clipEnd(marked, excerptWidth - 40);
  const start = clipStart(before, Math.max(30, excerptWidth - mark.length - 20));
  return {
    before: start,
    marked: mark,
    after: clipEnd(after, Math.max(10, excerptWidth - start.length - mark.length)),
  };
}

const clipEnd = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
const clipStart = (text: string, width: number): string => (text.length <= width ? text : `…${text.slice(1 - width)}`);

/** Text from a file or a server may hold control characters that would play with the terminal; a tab is made visible. */
const printable = (text: string): string =>
  text
    .replaceAll('\t', '→')
    .replaceAll(/\r?\n/g, ' ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '·');

/** Terminal columns: East Asian wide characters and emoji take two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}|\u200d/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}

const detail = (label: string, text: string | readonly string[]): string => hang(`  ${label}: `, text, textWidth);

const listed = (items: readonly string[]): readonly string[] =>
  items.map((item, index) => (index === items.length - 1 ? item : `${item},`));

/** `3 errors, 1 warning in 2 files` */
function summary(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const files = new Set(diagnostics.map(({ file }) => file).filter((file) => file !== '')).size;
  const counts = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ];
  return `${counts.join(', ')}${files > 0 ? ` in ${plural(files, 'file')}` : ''}`;
}
