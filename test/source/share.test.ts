import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { loadDesired } from '../../src/source/load.ts';
import { shareUnchanged } from '../../src/source/share.ts';
import { temporaryDirectory } from './repos.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'clusters', 'datacenter');
const web = 'workloads/shop/web.yaml';

/** The example as it lies, and a load of it at any time. */
function openRepo(t: TestContext) {
  const folder = temporaryDirectory(t);
  const repo = join(folder, 'repo');
  cpSync(example, repo, { recursive: true });
  return {
    load: async (): Promise<Desired> => {
      const { desired } = await loadDesired({
        location: { kind: 'directory', path: repo },
        cacheDir: join(folder, 'cache'),
      });
      assert.ok(desired);
      return desired;
    },
    edit: (file: string, change: (text: string) => string): void =>
      writeFileSync(join(repo, file), change(readFileSync(join(repo, file), 'utf8'))),
    remove: (file: string): void => rmSync(join(repo, file)),
  };
}

/** Workloads that are not the very ones that they were. */
const fresh = (before: Desired, { workloads }: Desired): readonly string[] => {
  const known = new Set(before.workloads);
  return workloads.filter((workload) => !known.has(workload)).map(({ id }) => id);
};

/** Members that are the very ones that they were. */
const kept = (before: Desired, after: Desired): readonly string[] =>
  (Object.keys(after) as (keyof Desired)[]).filter((key) => before[key] === after[key]).sort();

const allButWorkloads = (desired: Desired): readonly string[] =>
  Object.keys(desired)
    .filter((key) => key !== 'workloads')
    .sort();

test('a load of what has not changed is what was there, however it was loaded', async (t) => {
  const { load } = openRepo(t);
  const first = await load();
  // Parsed, then from the cache of documents, then remembered whole.
  for (let time = 0; time < 3; time += 1) {
    const next = await load();
    assert.notEqual(next, first);
    assert.equal(shareUnchanged(first, next), first);
  }
});

test('one changed workload is the only one that is new, and of it only what changed', async (t) => {
  const { load, edit } = openRepo(t);
  const first = await load();
  edit(web, (text) => text.replace('replicas: 24', 'replicas: 25'));
  const next = await load();
  const shared = shareUnchanged(first, next);
  assert.deepEqual(shared, next);
  assert.deepEqual(fresh(first, shared), ['shop/web']);
  assert.deepEqual(kept(first, shared), allButWorkloads(shared), 'the list of nodes, networks, quotas …');
  const of = ({ workloads }: Desired) => workloads.find(({ id }) => id === 'shop/web');
  assert.equal(of(shared)?.revision, of(first)?.revision);
});

test('a workload that comes or goes leaves all others what they were', async (t) => {
  const { load, edit, remove } = openRepo(t);
  const first = await load();
  const text = 'apiVersion: muster/v1\nkind: Workload\nmetadata: {name: aaa, namespace: shop}\n';
  edit(
    web,
    (before) => `${before.trimEnd()}\n---\n${text}spec: {engine: docker, image: "a@sha256:${'0'.repeat(64)}"}\n`,
  );
  const more = shareUnchanged(first, await load());
  assert.deepEqual(fresh(first, more), ['shop/aaa']);
  remove(web);
  const less = shareUnchanged(more, await load());
  assert.deepEqual(fresh(more, less), []);
  assert.equal(less.workloads.length, first.workloads.length - 1);
});

test('one changed node makes the list of nodes another, and keeps the others', async (t) => {
  const { load } = openRepo(t);
  const first = await load();
  const next = await load();
  const [head, ...rest] = next.nodes;
  assert.ok(head);
  const shared = shareUnchanged(first, { ...next, nodes: [{ ...head, lifecycle: 'maintenance' }, ...rest] });
  assert.notEqual(shared.nodes, first.nodes);
  assert.equal(shared.nodes.filter((node, index) => node !== first.nodes[index]).length, 1);
  assert.equal(shared.workloads, first.workloads);
});
