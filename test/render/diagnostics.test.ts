import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostic } from '../../src/model/diagnostics.ts';
import { diagnosticFormats, renderDiagnostics } from '../../src/render/diagnostics.ts';
import { assertGolden } from '../golden.ts';

const range = (line: number, column: number, endColumn: number) => ({ line, column, endLine: line, endColumn });

/** One of everything: ranges, no range, no file, a related place, characters that each format has to escape. */
const diagnostics: readonly Diagnostic[] = [
  {
    code: 'MUS1003',
    severity: 'error',
    message: 'unknown key "replica"',
    file: 'workloads/web.yaml',
    range: range(12, 3, 10),
    pointer: '/spec/replica',
    allowed: ['replicas', 'resources', 'restart'],
    hint: 'did you mean "replicas"?',
    excerpt: '  replica: 3 # 100%, <b>&"',
  },
  {
    code: 'MUS1002',
    severity: 'error',
    message: 'duplicate key "spec"',
    file: 'workloads/web.yaml',
    range: range(4, 1, 5),
    pointer: '/spec',
    excerpt: 'spec:',
    related: { file: 'workloads/web.yaml', line: 2, message: 'the first one is here' },
  },
  { code: 'MUS1110', severity: 'warning', message: 'a git submodule is not read', file: 'vendor, old: x' },
  {
    code: 'MUS1102',
    severity: 'error',
    message: 'git@git.local:ops/cluster.git has no branch, tag or commit "mian"',
    file: '',
    found: 'mian',
    hint: 'did you mean "main"?',
  },
];

for (const format of diagnosticFormats) {
  test(`diagnostics as ${format} are as reviewed`, () => {
    const text = renderDiagnostics(diagnostics, format, { color: false, root: 'clusters/prod' });
    assertGolden(`diagnostics/${format}.txt`, text);
  });
}

test('the order of the diagnostics changes nothing', () => {
  for (const format of diagnosticFormats) {
    const options = { color: false };
    assert.equal(
      renderDiagnostics([...diagnostics].reverse(), format, options),
      renderDiagnostics(diagnostics, format, options),
    );
  }
});

test('colours only add escape sequences', () => {
  const plain = renderDiagnostics(diagnostics, 'text', { color: false });
  const colored = renderDiagnostics(diagnostics, 'text', { color: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
  assert.equal(colored.replaceAll(/\u001b\[[0-9;]*m/g, ''), plain);
  assert.notEqual(colored, plain);
});

test('no diagnostics give empty text and complete documents', () => {
  const render = (format: (typeof diagnosticFormats)[number]) => renderDiagnostics([], format, { color: false });
  assert.equal(render('text'), '');
  assert.equal(render('github'), '');
  assert.deepEqual(JSON.parse(render('json')), {
    formatVersion: '1.0',
    summary: { errors: 0, warnings: 0 },
    diagnostics: [],
  });
  assert.deepEqual(JSON.parse(render('sarif')).runs[0].results, []);
  assert.match(render('junit'), /tests="1" failures="0"/);
});

test('control characters from a file never reach the terminal', () => {
  const hostile: Diagnostic = {
    code: 'MUS1004',
    severity: 'error',
    message: 'bad value "\u001b[2J"',
    file: 'a\u0007.yaml',
    range: range(1, 1, 9),
    excerpt: '\u001b]0;owned\u0007: \u202e1',
    found: 'a\u0000b',
  };
  const text = renderDiagnostics([hostile], 'text', { color: false });
  assert.doesNotMatch(text, /[^\P{Cc}\n]|\p{Bidi_Control}/u);
});

test('the caret stands under the marked text, whatever comes before it', () => {
  for (const before of ['', '    ', '\t\t', '名前', 'e\u0301', 'x'.repeat(300)]) {
    const excerpt = `${before}here${'y'.repeat(200)}`;
    const start = before.length + 1;
    const text = renderDiagnostics(
      [{ code: 'MUS1004', severity: 'error', message: 'm', file: 'f', range: range(1, start, start + 4), excerpt }],
      'text',
      { color: false },
    );
    const [, source = '', carets = ''] = text.split('\n');
    const ahead = source.slice(0, source.indexOf('here'));
    const wide = [...ahead].filter((character) => /\p{Script=Han}/u.test(character)).length;
    const marks = [...ahead].filter((character) => /\p{Mark}/u.test(character)).length;
    assert.equal(carets.indexOf('^^^^'), ahead.length + wide - marks, `after ${JSON.stringify(before.slice(0, 10))}`);
    assert.ok(source.length < 140);
  }
});

test('junit and sarif hold what XML and JSON parsers need', () => {
  const odd: Diagnostic = {
    code: 'MUS1004',
    severity: 'error',
    message: '<a> & "b" \u0001 \ud800 ]]>',
    file: 'a b/ü.yaml',
  };
  const junit = renderDiagnostics([odd], 'junit', { color: false });
  assert.match(junit, /&lt;a&gt; &amp; &quot;b&quot; · · \]\]&gt;/);
  const sarif = JSON.parse(renderDiagnostics([odd], 'sarif', { color: false }));
  assert.equal(sarif.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri, 'a%20b/%C3%BC.yaml');
});
