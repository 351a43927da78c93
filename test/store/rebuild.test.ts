import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { canonicalJson, sha256Hex } from '../../src/model/hash.ts';
import {
  type AllocationId,
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  type RevisionHash,
  revisionHash,
  runId,
  unitOf,
  workloadId,
} from '../../src/model/ids.ts';
import type { ObservedObject, Origin } from '../../src/model/observed.ts';
import type { Allocation, Holds, RecordedWorkload } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';
import { isComplete, type RebuildSurvey, type Recalled, type StoreRebuild } from '../../src/model/store-rebuild.ts';
import { keys } from '../../src/store/keys.ts';
import { rebuildRecords } from '../../src/store/rebuild/rebuild.ts';
import {
  decodeAllocation,
  decodeWorkload,
  encodeAllocation,
  encodeRevision,
  encodeWorkload,
} from '../../src/store/recorded.ts';
import { desiredOf, workloadOf } from '../reconcile/harness.ts';

const web = workloadId('default', 'web');
const uid = clusterUid('00000000-0000-4000-8000-000000000001');
const now = 1_000_000;
const holds: Holds = { cpuMillis: 100, memoryBytes: 2 ** 20, storageBytes: 0 };
const desired: Desired = desiredOf(['n1', 'n2'], [workloadOf('web', { replicas: 2, version: '2' })]);

const revisionAt = (
  version: string,
  more: Partial<Revision> = {},
): { readonly revision: Revision; readonly hash: RevisionHash } => {
  const [definition] = desiredOf([], [workloadOf('web', { replicas: 1, version })]).workloads;
  assert.ok(definition !== undefined);
  const revision = { ...definition.revision, ...more };
  return { revision, hash: revisionHash(sha256Hex(canonicalJson(revision)).slice(0, 16)) };
};

const found = (
  ordinal: number,
  generation: number,
  of: Partial<ObservedObject> & { readonly origin?: Origin } = {},
): Recalled => {
  const { revision, hash } = revisionAt('2');
  const { origin = { revisionHash: hash, revision, holds }, ...change } = of;
  return {
    origin,
    object: {
      node: nodeName('n1'),
      engine: 'docker',
      objectId: `o${ordinal}-${generation}`,
      name: 'x',
      cluster: uid,
      allocation: allocationId(instanceId(web, ordinal), generation),
      revision: origin.revisionHash,
      token: fencingToken({ epoch: 3, createRevision: 7 }),
      state: 'running',
      health: 'none',
      ports: {},
      actual: {},
      ...change,
    },
  };
};

interface Old {
  readonly allocations?: readonly Allocation[];
  readonly workload?: RecordedWorkload;
  readonly revisions?: readonly ReturnType<typeof revisionAt>[];
  readonly more?: Readonly<Record<string, string>>;
}

function allocation(ordinal: number, generation: number, change: Partial<Allocation> = {}): Allocation {
  const instance = instanceId(web, ordinal);
  const id = allocationId(instance, generation);
  const base = { id, instance, workload: web, ordinal, generation, node: nodeName('n1'), engine: 'docker' } as const;
  return {
    ...base,
    revision: revisionAt('1').hash,
    state: 'live',
    objectId: `o${ordinal}-${generation}`,
    holds,
    ...change,
  };
}

function rebuilt(
  old: Old,
  survey: Partial<RebuildSurvey>,
): {
  readonly rebuild: StoreRebuild;
  allocation(id: AllocationId): Allocation | undefined;
  workload(): RecordedWorkload | undefined;
  readonly keys: readonly string[];
  readonly epoch: unknown;
} {
  const { allocations = [], workload, revisions = [], more = {} } = old;
  const values: readonly (readonly [string, string])[] = [
    [keys.format, JSON.stringify({ formatVersion: '1.0', uid, epoch: 2 })],
    ...allocations.map((one) => [keys.allocation(one.id), encodeAllocation(one)] as const),
    ...(workload === undefined ? [] : [[keys.workload(web), encodeWorkload(workload)] as const]),
    ...revisions.map(({ revision, hash }) => [keys.revision(web, hash), encodeRevision(revision)] as const),
    ...Object.entries(more),
  ];
  const entries = values.map(([key, value]) => ({ key, value, createRevision: 1, modRevision: 1 }));
  const whole: RebuildSurvey = { uid, found: [], unreachable: [], ...survey };
  const { rebuild, records } = rebuildRecords({ desired, range: { revision: 1, entries }, survey: whole, now });
  const entry = (key: string) => {
    const record = records.find((one) => one.key === key);
    return record && { ...record, createRevision: 1, modRevision: 1 };
  };
  const identity = entry(keys.format);
  const known = entry(keys.workload(web));
  return {
    rebuild,
    allocation: (id) => {
      const record = entry(keys.allocation(id));
      return record && decodeAllocation(record, (text) => text);
    },
    workload: () => known && decodeWorkload(known),
    keys: records.map(({ key }) => key),
    epoch: identity && JSON.parse(identity.value).epoch,
  };
}

const id = (ordinal: number, generation: number): AllocationId => allocationId(instanceId(web, ordinal), generation);
const reasons = ({ rebuild }: { readonly rebuild: StoreRebuild }): readonly string[] =>
  rebuild.notRestored.map(({ reason }) => reason);
const silent = { node: nodeName('n2'), engine: 'docker', reason: 'no route' } as const;

describe('a store rebuilt from what runs', () => {
  test('has what the engines tell, above every generation and epoch seen; what is gone is dropped', () => {
    const before = {
      allocations: [allocation(0, 1)],
      workload: { failed: [], nextGeneration: 2 },
      revisions: [revisionAt('1')],
    };
    const made = rebuilt(before, { found: [found(0, 5), found(1, 6)] });
    assert.ok(isComplete(made.rebuild));
    assert.deepEqual(made.rebuild.findings, []);
    assert.deepEqual(
      made.rebuild.allocations.map(({ allocation: own, change }) => `${change} ${own}`),
      ['dropped default/web/0#1', 'added default/web/0#5', 'added default/web/1#6'],
    );
    const { hash } = revisionAt('2');
    assert.deepEqual(made.allocation(id(0, 5)), allocation(0, 5, { revision: hash }));
    assert.deepEqual(made.workload(), { failed: [], nextGeneration: 7, lastGood: hash });
    assert.ok(made.keys.includes(keys.revision(web, hash)));
    assert.equal(made.epoch, 3, 'of the newest leader that anything tells of; writing it raises it once more');
  });

  test('believes a definition only where it is what its hash stands for, and else asks the store, then git', () => {
    const { hash } = revisionAt('2');
    const lie: Origin = { revisionHash: hash, revision: revisionAt('9').revision, holds };
    const stored = rebuilt({ revisions: [revisionAt('2')] }, { found: [found(0, 5, { origin: lie })] });
    assert.deepEqual([reasons(stored), stored.allocation(id(0, 5))?.revision], [[], hash]);
    const unknown = rebuilt({}, { found: [found(0, 5, { origin: lie })] });
    assert.match(reasons(unknown)[0] ?? '', /known neither to its engine nor to the store nor to git/);
    assert.equal(unknown.workload()?.nextGeneration, 6, 'and its generation is not given out all the same');
    const declared = desired.workloads[0]?.revisionHash ?? hash;
    const byGit = rebuilt({}, { found: [found(0, 5, { origin: { revisionHash: declared, holds } })] });
    assert.deepEqual(reasons(byGit), []);
  });

  test('of what an older Muster made, holds follow from the revision where they can, and are not guessed where not', () => {
    const plain = revisionAt('2', { ports: [{ name: 'http', port: 80, protocol: 'tcp', publish: 'auto' }] });
    const origin = { revisionHash: plain.hash, revision: plain.revision };
    const seen = { origin, ports: { http: { host: '127.0.0.1', port: 20_007 } } };
    const made = rebuilt({}, { found: [found(0, 5, seen)] });
    assert.deepEqual(made.allocation(id(0, 5))?.holds.ports, { http: 20_007 });
    const bound = revisionAt('2', { cpu: { bind: true, numa: 'none' } });
    const cores = { origin: { revisionHash: bound.hash, revision: bound.revision } };
    assert.match(
      reasons(rebuilt({}, { found: [found(0, 5, cores)] }))[0] ?? '',
      /its cores, volumes, devices or address/,
    );
    const held = { ...holds, cpuset: '0-1' };
    const known = rebuilt(
      { allocations: [allocation(0, 5, { revision: bound.hash, holds: held })] },
      { found: [found(0, 5, cores)] },
    );
    assert.deepEqual(known.allocation(id(0, 5))?.holds, held, 'the store still knows them');
  });

  test('concludes nothing about an engine that was not asked', () => {
    const before = {
      allocations: [allocation(1, 2, { node: nodeName('n2') })],
      workload: { failed: [], nextGeneration: 3 },
    };
    const made = rebuilt(before, { found: [found(0, 5)], unreachable: [silent] });
    assert.equal(isComplete(made.rebuild), false);
    assert.equal(made.rebuild.allocations.find(({ change }) => change === 'unseen')?.allocation, id(1, 2));
    assert.ok(made.allocation(id(1, 2)) !== undefined);
    assert.equal(made.workload()?.nextGeneration, 1_006);
  });

  test('keeps what rests at rest, and leaves what should run to be healed', () => {
    const before = { allocations: [allocation(0, 4, { state: 'held', heldSince: 7 })] };
    const exited = { state: 'exited' } as const;
    const made = rebuilt(before, { found: [found(0, 4, exited), found(1, 5, exited), found(2, 6, exited)] });
    assert.deepEqual(
      [id(0, 4), id(1, 5), id(2, 6)].map((own) => [made.allocation(own)?.state, made.allocation(own)?.heldSince]),
      [
        ['held', 7],
        ['live', undefined],
        ['held', now],
      ],
      'held before · asked for by git · not asked for',
    );
  });

  test('journals and unreadable records go, and are named; what only the store knows stays', () => {
    const run = runId('r1');
    const status = keys.unitStatus(run, unitOf(web));
    const override = JSON.stringify({ id: 'o', kind: 'freeze', target: '*', actor: 'a', reason: 'r', until: 9 });
    const more = { [status]: '{"state":"running"}', [keys.override('o')]: override, [keys.runMeta(run)]: '{}' };
    const made = rebuilt({ more: { ...more, [keys.workload(web)]: 'damaged' } }, { found: [found(0, 5)] });
    assert.deepEqual([made.rebuild.endedUnits, made.rebuild.unreadable], [[web], [keys.workload(web)]]);
    assert.deepEqual([made.keys.includes(status), made.keys.includes(keys.override('o'))], [false, true]);
    assert.equal(made.workload()?.nextGeneration, 6);
  });

  test('of two objects of one allocation the one that runs is it', () => {
    const twin = found(0, 5, { node: nodeName('n2'), objectId: 'twin', state: 'exited' });
    const made = rebuilt({}, { found: [twin, found(0, 5)] });
    assert.equal(made.allocation(id(0, 5))?.objectId, 'o0-5');
    assert.deepEqual(reasons(made), ['another object of the same allocation is on n1']);
  });
});
