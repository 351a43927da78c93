import { codes } from '../model/codes.ts';
import type { Diagnostic } from '../model/diagnostics.ts';
import { githubData, githubProperty, xmlText } from './escape.ts';

/** `{"formatVersion": "1.0", "summary": {…}, "diagnostics": […]}`: the model's own shape. */
export function renderDiagnosticsJson(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const summary = { errors, warnings: diagnostics.length - errors };
  return `${JSON.stringify({ formatVersion: '1.0', summary, diagnostics }, undefined, 2)}\n`;
}

/** Workflow commands: GitHub shows each beside its line of the pull request. */
export function renderDiagnosticsGithub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${command(diagnostic)}\n`).join('');
}

function command(diagnostic: Diagnostic): string {
  const { code, file, range, severity } = diagnostic;
  const properties: string[] = [];
  const add = (name: string, value: string | number) => properties.push(`${name}=${githubProperty(String(value))}`);
  if (file !== '') add('file', file);
  if (range !== undefined) {
    add('line', range.line);
    // GitHub ignores columns of a range over several lines, and counts its last column in.
    if (range.endLine === range.line) {
      add('col', range.column);
      add('endColumn', Math.max(range.column, range.endColumn - 1));
    } else {
      add('endLine', range.endLine);
    }
  }
  add('title', `${code} ${titleOf(code)}`);
  return `::${severity} ${properties.join(',')}::${githubData(wholeMessage(diagnostic))}`;
}

/** SARIF 2.1.0: what GitHub code scanning, GitLab and editors read. One rule a code, with its cause and remedy as help. */
export function renderDiagnosticsSarif(diagnostics: readonly Diagnostic[]): string {
  const ids = [...new Set(diagnostics.map(({ code }) => code))].sort();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'muster', rules: ids.map(sarifRule) } },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map((diagnostic) => sarifResult(diagnostic, ids)),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function sarifRule(id: string): object {
  const entry = codes[id];
  return {
    id,
    shortDescription: { text: titleOf(id) },
    ...(entry !== undefined && {
      fullDescription: { text: entry.cause },
      help: { text: `${entry.cause}\n\n${entry.remedy}` },
    }),
  };
}

function sarifResult(diagnostic: Diagnostic, ids: readonly string[]): object {
  const { code, excerpt, file, pointer, range, related, severity } = diagnostic;
  const region = range !== undefined && {
    region: {
      startLine: range.line,
      startColumn: range.column,
      endLine: range.endLine,
      endColumn: Math.max(range.endColumn, range.endLine === range.line ? range.column : 1),
      ...(excerpt !== undefined && { snippet: { text: excerpt } }),
    },
  };
  return {
    ruleId: code,
    ruleIndex: ids.indexOf(code),
    level: severity,
    message: { text: wholeMessage(diagnostic) },
    locations: [
      {
        // Code scanning refuses a result without a place: what concerns the whole source is put at its root.
        physicalLocation: { artifactLocation: { uri: fileUri(file === '' ? '.' : file) }, ...region },
        ...(pointer !== undefined && { logicalLocations: [{ fullyQualifiedName: pointer }] }),
      },
    ],
    ...(related !== undefined && {
      relatedLocations: [
        {
          physicalLocation: { artifactLocation: { uri: fileUri(related.file) }, region: { startLine: related.line } },
          message: { text: related.message },
        },
      ],
    }),
  };
}

const fileUri = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** One test case a diagnostic, by file; an error fails. Without any, one case that passes: viewers call an empty suite broken. */
export function renderDiagnosticsJunit(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const cases = diagnostics.map(junitCase);
  if (cases.length === 0) cases.push('    <testcase classname="configuration" name="no problems found" time="0"/>');
  const counts = `tests="${cases.length}" failures="${errors}" errors="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="muster" ${counts}>`,
    `  <testsuite name="muster validate" ${counts} skipped="0" time="0">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function junitCase(diagnostic: Diagnostic): string {
  const { code, file, message, range, severity } = diagnostic;
  const line = range === undefined ? '' : ` line="${range.line}"`;
  const place = range === undefined ? '' : ` (line ${range.line})`;
  const name = xmlText(`${code} ${titleOf(code)}${place}`);
  const open = `    <testcase classname="${xmlText(file === '' ? 'source' : file)}" name="${name}" file="${xmlText(file)}"${line} time="0">`;
  const text = xmlText(wholeMessage(diagnostic));
  const body =
    severity === 'error'
      ? `      <failure type="${code}" message="${xmlText(message)}">${text}</failure>`
      : `      <system-out>${text}</system-out>`;
  return [open, body, '    </testcase>'].join('\n');
}

/** Everything that the text format shows below the headline, for formats with one message. */
function wholeMessage(diagnostic: Diagnostic): string {
  const { allowed, found, hint, message, pointer, related } = diagnostic;
  const lines = [pointer === undefined || pointer === '' ? message : `${message} at ${pointer}`];
  if (found !== undefined) lines.push(`found: ${found}`);
  if (allowed !== undefined && allowed.length > 0) lines.push(`allowed: ${allowed.join(', ')}`);
  if (related !== undefined) lines.push(`see: ${related.file}:${related.line} ${related.message}`);
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  return lines.join('\n');
}

const titleOf = (code: string): string => codes[code]?.title ?? code;
