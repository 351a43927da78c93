import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Style that neither the linter nor the compiler can say: each test is one habit of CONTRIBUTING.md. */
const root = join(import.meta.dirname, '..');
const mostLines = 350;

interface SourceText {
  readonly path: string;
  readonly text: string;
}

function sources(folder: string): readonly SourceText[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('generated'))
    .map((path) => ({ path: path.slice(root.length + 1), text: readFileSync(path, 'utf8') }));
}

const src = sources('src');
const everything = [...src, ...sources('test'), ...sources('bench'), ...sources('scripts')];

function offenders(files: readonly SourceText[], isBad: (file: SourceText) => boolean): readonly string[] {
  return files.filter(isBad).map((file) => file.path);
}

test('one concept a file: no source file grows beyond what a reader holds in mind', () => {
  // A table is as long as what it lists.
  const tables = ['src/model/codes.ts'];
  const long = offenders(src, ({ text }) => text.split('\n').length > mostLines);
  assert.deepEqual(
    long.filter((path) => !tables.includes(path)),
    [],
  );
});

test('nothing is left to do without an entry in docs/limitations.md', () => {
  const mark = new RegExp(['TO', 'DO|FIX', 'ME|X', 'XX'].join(''));
  assert.deepEqual(
    offenders(everything, ({ text }) => mark.test(text)),
    [],
  );
});

test('no test is switched off or alone', () => {
  const alone = new RegExp(['\\.on', 'ly\\(|\\.sk', 'ip\\('].join(''));
  assert.deepEqual(
    offenders(everything, ({ text }) => alone.test(text)),
    [],
  );
});

test('types are never silenced', () => {
  // A colon and the word in prose is no type: only what code can follow it counts.
  const silenced = new RegExp(
    ['(as|:|<) an', 'y(?=[;,)>|[\\]{]| =|$)|@ts-ig', 'nore|@ts-expect-err', 'or'].join(''),
    'm',
  );
  assert.deepEqual(
    offenders(everything, ({ text }) => silenced.test(text)),
    [],
  );
});

test('the core reads no clock, draws no lots and touches no process', () => {
  const core = src.filter(({ path }) => /^src\/(model|plan)\//.test(path));
  assert.ok(core.length > 20, 'the core was found');
  assert.deepEqual(
    offenders(core, ({ text }) => /\bDate\.now|new Date\(\)|Math\.random|process\.|setTimeout/.test(text)),
    [],
  );
});

test('every folder of src has its line in docs/architecture.md', () => {
  const map = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(
    folders.map(({ name }) => name).filter((name) => !map.includes(`src/${name}/`)),
    [],
  );
});

test('no machine, registry or workplace is named', () => {
  const place = new RegExp(['/wo', 'rk/|registry\\.npm', 'js\\.org'].join(''));
  assert.deepEqual(
    offenders(everything, ({ text }) => place.test(text)),
    [],
  );
});
