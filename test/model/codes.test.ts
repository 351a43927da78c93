import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codes } from '../../src/model/codes.ts';

const root = join(import.meta.dirname, '..', '..');

/** Code → the files of src/ that use it, the table itself left out. */
function usesInSource(): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>();
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file === join('model', 'codes.ts')) continue;
    for (const [code] of readFileSync(join(root, 'src', file), 'utf8').matchAll(/MUS\d{4}/g)) {
      uses.set(code, [...(uses.get(code) ?? []), file]);
    }
  }
  return uses;
}

test('every code that the program can show has an entry', () => {
  const missing = [...usesInSource()].filter(([code]) => codes[code] === undefined);
  assert.deepEqual(missing, [], 'add them to src/model/codes.ts and run scripts/errors-doc.ts');
});

test('every entry is a code that the program can show', () => {
  const uses = usesInSource();
  const unused = Object.keys(codes).filter((code) => !uses.has(code));
  assert.deepEqual(unused, [], 'delete them from src/model/codes.ts and run scripts/errors-doc.ts');
});

test('every entry says what happened, why, and what to do', () => {
  for (const [code, { title, cause, remedy }] of Object.entries(codes)) {
    assert.match(code, /^MUS[1-6]\d{3}$/);
    assert.ok(title.length > 4 && title.length < 60 && !title.endsWith('.'), `${code}: a title is a few words`);
    assert.ok(cause.endsWith('.') && remedy.endsWith('.'), `${code}: cause and remedy are sentences`);
  }
});

test('docs/errors.md is generated from the table', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/errors-doc.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});
