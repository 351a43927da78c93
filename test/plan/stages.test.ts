import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { usableCapacity } from '../../src/model/capacity.ts';
import type { DesiredPolicy, DesiredWorkload } from '../../src/model/desired.ts';
import { canonicalJson, sha256Hex } from '../../src/model/hash.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import { budgetOf } from '../../src/plan/budget.ts';
import { compareActual, compareRevisions, worstClass } from '../../src/plan/compare.ts';
import { compile } from '../../src/plan/compile.ts';
import { match } from '../../src/plan/match.ts';
import { openRules } from '../../src/plan/rules.ts';
import { GiB, node, revision, spread, withRunning, workload, world } from './world.ts';

test('SHA-256 agrees with the one of Node', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      assert.equal(sha256Hex(text), createHash('sha256').update(text).digest('hex'));
    }),
  );
});

test('canonical JSON does not depend on the order of keys, and parses back to the same value', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalJson(reversed), canonicalJson(value));
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('capacity is declared over probed over recorded, less the reserve, the cpu times its overcommit', () => {
  const usable = usableCapacity({
    definition: node('n1', {
      capacity: { cpuMillis: 4000 },
      reserved: { cpuMillis: 1000, memoryBytes: GiB },
      overcommitCpuMilli: 1500,
    }),
    observed: {
      liveness: 'alive',
      foreign: [],
      engines: {
        docker: { kind: 'reachable', version: '', fingerprint: '', capacity: { cpuMillis: 9, memoryBytes: 3 * GiB } },
      },
    },
    recorded: { capacity: { memoryBytes: 1, storageBytes: 7 }, liveness: { state: 'alive', since: 0 } },
  });
  assert.deepEqual(usable, { cpuMillis: 4500, memoryBytes: 2 * GiB, storageBytes: 7 });
});

test('comparing says each field, in order, with what it disturbs', () => {
  const before = revision({ env: { A: '1', 'B/C': '2' }, args: ['x', 'y'], command: ['a'] });
  const after = revision({ env: { A: '2', D: '3' }, args: ['x', 'z'], command: ['a', 'b'], restart: 'never' });
  const changes = compareRevisions(before, after, { docker: ['/restart', '/env'] });
  assert.deepEqual(
    changes.map(({ path, class: kind }) => `${path} ${kind}`),
    ['/args/1 recreate', '/command recreate', '/env/A live', '/env/B~1C live', '/env/D live', '/restart live'],
  );
  assert.equal(worstClass(changes), 'recreate');
});

test('members of a list are compared by place only while they are the same ones', () => {
  const port = (name: string, number: number) => ({ name, port: number, protocol: 'tcp', publish: 'none' }) as const;
  const paths = (...ports: readonly ReturnType<typeof port>[]): readonly string[] =>
    compareRevisions(revision({ ports: [port('a', 1), port('b', 2)] }), revision({ ports }), {}).map(
      ({ path }) => path,
    );
  assert.deepEqual(paths(port('a', 1), port('b', 3)), ['/ports/1/port']);
  assert.deepEqual(paths(port('b', 2), port('c', 3)), ['/ports']);
});

test('nothing is live when the engine changes', () => {
  const changes = compareRevisions(revision(), revision({ engine: 'process', restart: 'never' }), {
    process: ['/restart'],
    docker: ['/restart'],
  });
  assert.deepEqual(
    changes.map((change) => change.class),
    ['recreate', 'recreate'],
  );
});

test('ignored fields do not count as drift, nor does what lies below them', () => {
  const body = revision({ env: { BUILD_ID: '1' } });
  const actual = { '/env/BUILD_ID': '2', '/image': body.image, '/restart': 'always' };
  const found = (ignoreFields: readonly string[]) =>
    compareActual(body, actual, { liveFields: [], ignoreFields }).map(({ path }) => path);
  assert.deepEqual(found([]), ['/env/BUILD_ID', '/restart']);
  assert.deepEqual(found(['/env']), ['/restart']);
});

const app = 'payments/checkout';

function budget(count: number, change: Partial<DesiredWorkload>, policies: readonly DesiredPolicy[] = []) {
  const definition = workload(app, { replicas: count, ...change });
  const inputs = withRunning(world({ workloads: [definition], policies }), spread(app, count, ['n1', 'n2']));
  const workloads = match(inputs, compile(inputs));
  return budgetOf(openRules(inputs.desired.policies), { definition, wanted: workloads[0]?.instances ?? [] })
    .maxUnavailable;
}

test('the 1-2-10 rule: 1 below 5, 2 up to 20, a tenth above', () => {
  const of = (count: number): number => budget(count, {});
  assert.deepEqual([1, 4, 5, 20, 21, 39, 40, 100].map(of), [1, 1, 2, 2, 2, 3, 4, 10]);
});

test('a quorum is never broken, and one may always go', () => {
  const of = (count: number): number => budget(count, { maxUnavailable: { kind: 'quorum' } });
  assert.deepEqual([1, 3, 5, 7, 9].map(of), [1, 1, 1, 2, 3]);
});

test('the narrowest policy decides', () => {
  const policy = (name: string, namespaces: readonly string[], count: number): DesiredPolicy => ({
    name,
    namespaces,
    disruption: [{ max: { kind: 'count', count } }],
  });
  const all = policy('all', ['*'], 7);
  const some = policy('some', ['pay*'], 8);
  const one = policy('one', ['payments'], 9);
  assert.equal(budget(10, {}, [all, some, one]), 9);
  assert.equal(budget(10, {}, [some, all]), 8);
  assert.equal(budget(10, {}, [all, policy('other', ['ops'], 1)]), 7);
});

test('what was never born does not count, and what is down does', () => {
  const definition = workload(app, { replicas: 9 });
  const inputs = withRunning(world({ workloads: [definition] }), [
    ...spread(app, 3, ['n1', 'n2']),
    { workload: app, ordinal: 3, node: 'n3', object: { health: 'starting' } },
    { workload: app, ordinal: 4, node: 'n3', object: 'gone' },
    { workload: app, ordinal: 5, node: 'n3', state: 'held' },
  ]);
  const matched = match(inputs, compile(inputs)).find(({ id }) => id === (app as WorkloadId));
  const { base, available } = budgetOf(openRules(inputs.desired.policies), {
    definition,
    wanted: matched?.instances ?? [],
  });
  assert.deepEqual({ base, available }, { base: 5, available: 3 });
});

test('instances are matched by what is seen of them', () => {
  const inputs = withRunning(world({ workloads: [workload(app, { replicas: 6 })] }), [
    { workload: app, ordinal: 0, node: 'n1' },
    { workload: app, ordinal: 1, node: 'n1', object: { state: 'restarting' } },
    { workload: app, ordinal: 2, node: 'n1', object: { health: 'unhealthy' } },
    { workload: app, ordinal: 3, node: 'n1', object: { state: 'exited' } },
    { workload: app, ordinal: 4, node: 'n1', object: 'gone' },
    { workload: app, ordinal: 5, node: 'n1', state: 'held', object: 'gone' },
  ]);
  const [matched] = match(inputs, compile(inputs));
  assert.deepEqual(
    matched?.instances.map(({ status }) => status),
    ['running', 'busy', 'unhealthy', 'dead', 'gone', 'held'],
  );
});
