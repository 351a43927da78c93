import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { renderDiagnostics } from '../../src/render/diagnostics.ts';
import { type LoadResult, loadDesired } from '../../src/source/load.ts';
import { assertGolden } from '../golden.ts';
import { goodRepo, type Mistake, mistakes } from './mistakes.ts';
import { temporaryDirectory } from './repos.ts';

async function load(
  t: TestContext,
  { files, links = {}, at = '.' }: Omit<Mistake, 'name' | 'code'>,
): Promise<LoadResult> {
  const folder = temporaryDirectory(t);
  const repo = join(folder, 'repo');
  mkdirSync(join(repo, '.git'), { recursive: true });
  const all = at === '.' ? { ...goodRepo, ...files } : files;
  for (const [path, content] of Object.entries(all)) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), content);
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(repo, path));
  return loadDesired({ location: { kind: 'directory', path: join(repo, at) }, cacheDir: join(folder, 'cache') });
}

test('the repo that the mistakes are made in has none', async (t) => {
  const { diagnostics, desired } = await load(t, { files: {} });
  assert.deepEqual(diagnostics, []);
  assert.equal(desired?.workloads.length, 1);
});

for (const mistake of mistakes) {
  test(`${mistake.name} is reported so that it can be mended`, async (t) => {
    const { diagnostics, desired } = await load(t, mistake);
    const text = renderDiagnostics(diagnostics, 'text', { color: false })
      .replaceAll(/\S*muster-source-\w+\/repo/g, '<repo>')
      .replaceAll(/\S*muster-source-\w+/g, '<outside>');
    assertGolden(`mistakes/${mistake.name}.txt`, text);
    assert.ok(
      diagnostics.some(({ code }) => code === mistake.code),
      `${mistake.code} is not among\n${text}`,
    );
    assert.equal(desired, undefined, 'what has an error is not loaded');
  });
}

test('every golden mistake belongs to a test', () => {
  const files = readdirSync(join(import.meta.dirname, '..', 'golden', 'mistakes'));
  assert.deepEqual(files.sort(), mistakes.map(({ name }) => `${name}.txt`).sort());
});
