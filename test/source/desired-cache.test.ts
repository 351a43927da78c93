import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LoadResult, loadDesired } from '../../src/source/load.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'clusters', 'datacenter');

/** A repo that has been loaded so often that it is remembered whole. */
async function remembered(t: { after(clean: () => void): void }) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-desired-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const repo = join(folder, 'repo');
  const cacheDir = join(folder, 'cache');
  cpSync(example, repo, { recursive: true });
  const load = (): Promise<LoadResult> => loadDesired({ location: { kind: 'directory', path: repo }, cacheDir });
  const first = await load();
  await load();
  return { repo, cacheDir, load, first };
}

test('a repo that has not changed is not normalised again, and says the same to the byte', async (t) => {
  const { load, first } = await remembered(t);
  const again = await load();
  assert.equal(again.stats.documents, 0, 'no document was looked at');
  assert.equal(JSON.stringify(again.desired), JSON.stringify(first.desired));
});

test('a file that is changed, added or removed is seen', async (t) => {
  const { repo, load, first } = await remembered(t);
  const file = join(repo, 'workloads/shop/web.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('replicas: 24', 'replicas: 25'));
  const changed = await load();
  assert.equal(changed.desired?.workloads.find(({ id }) => id === 'shop/web')?.replicas, 25);
  rmSync(file);
  const without = await load();
  assert.equal(without.desired?.workloads.length, (first.desired?.workloads.length ?? 0) - 1);
  writeFileSync(file, text);
  const back = await load();
  assert.equal(JSON.stringify(back.desired), JSON.stringify(first.desired));
});

test('a damaged file of the cache is no harm', async (t) => {
  const { cacheDir, load, first } = await remembered(t);
  const [name = ''] = readdirSync(join(cacheDir, 'desired'));
  writeFileSync(join(cacheDir, 'desired', name), '{"key": ');
  const again = await load();
  assert.equal(JSON.stringify(again.desired), JSON.stringify(first.desired));
});

test('a repo with something to say says it every time', async (t) => {
  const { repo, load } = await remembered(t);
  const bad = join(repo, 'bad.yaml');
  writeFileSync(bad, 'apiVersion: muster/v1\nkind: Pod\nmetadata: {name: p}\nspec: {strateggy: auto}\n');
  for (let time = 0; time < 3; time += 1) {
    const { desired, diagnostics } = await load();
    assert.equal(desired, undefined);
    assert.equal(diagnostics[0]?.code, 'MUS1003');
  }
});
