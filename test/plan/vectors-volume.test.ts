import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { NodeDisk, Placement } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { HeldVolume } from '../../src/model/recorded.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { volumes } from '../../src/plan/resources/volumes.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { factsOf } from './resources/contract.ts';
import { node, type Running, revision, withRunning, workload, world } from './world.ts';

/**
 * The areas of the vectors that are about volumes and storage. Muster differs on purpose in:
 * - rates are those of a device, whereas there several devices may share one disk's; no vector's result depends on it;
 * - a directory of the node is not charged, not even its rates: it is nobody's to share out;
 * - volumes are charged on their devices and not to storage too, which is the node's root disk;
 * - of equal devices the first by name is taken.
 */
const file = join(import.meta.dirname, '../../../shared/vectors/eru.json');

interface Vector {
  readonly area: string;
  readonly name: string;
  readonly input: unknown;
  readonly expected: unknown;
}

const byArea: Readonly<Record<string, (vector: Vector) => void>> = {
  volume: checkVolume,
  'realloc-volume': checkResize,
  'capacity-storage': checkStorage,
};

interface NodeVector {
  readonly volumes_capacity: Readonly<Record<string, number>>;
  readonly volumes_used?: Readonly<Record<string, number>>;
  readonly disks?: readonly {
    readonly mounts: readonly string[];
    readonly read_iops: number;
    readonly write_iops: number;
    readonly read_bps: number;
    readonly write_bps: number;
  }[];
  readonly storage?: number;
}

const app = 'vectors/app';
const anywhere: Placement = { pods: [], require: {}, tolerate: [], partial: true };
const nothingElse = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} };

/** A volume for every device that has something on it: to others it is all the same who has it. */
function worldOf(
  vector: NodeVector,
  of: {
    readonly next: Revision;
    readonly replicas: number;
    readonly now?: { readonly held: readonly HeldVolume[]; readonly revision: Revision };
  },
): PlanInputs {
  const { next, replicas, now } = of;
  const mine = (device: string): number =>
    (now?.held ?? []).reduce((sum, volume) => sum + (volume.device === device ? volume.bytes : 0), 0);
  const others = Object.entries(vector.volumes_used ?? {})
    .map(
      ([device, bytes]): HeldVolume => ({ name: `of${device.replace('/', '-')}`, device, bytes: bytes - mine(device) }),
    )
    .filter(({ bytes }) => bytes > 0);
  const running: Running[] = [
    { workload: 'vectors/other', ordinal: 0, node: 'n1', hash: 'other', holds: { volumes: others } },
    ...(now === undefined
      ? []
      : [{ workload: app, ordinal: 0, node: 'n1', hash: 'now', holds: { volumes: now.held } }]),
  ];
  const other = revision({ resources: nothingElse });
  const inputs = world({
    nodes: [node('n1', { disks: disksOf(vector), capacity: { storageBytes: vector.storage ?? 0 } })],
    workloads: [
      workload('vectors/other', { replicas: 1, hash: 'other', revision: other, placement: anywhere }),
      workload(app, {
        type: now === undefined ? 'stateless' : 'stateful',
        replicas,
        hash: 'next',
        revision: next,
        placement: { ...anywhere, partial: now === undefined },
      }),
    ],
  });
  return withRunning(inputs, running, { revisions: { other, next, now: now?.revision ?? next } });
}

/** Devices with the rates of the disk that they are mounted from. */
const disksOf = ({ volumes_capacity, disks = [] }: NodeVector): readonly NodeDisk[] =>
  Object.entries(volumes_capacity).map(([device, sizeBytes]) => {
    const isBelow = (mount: string): boolean => mount === '/' || device === mount || device.startsWith(`${mount}/`);
    const [disk] = disks
      .flatMap((known) => known.mounts.filter(isBelow).map((mount) => ({ known, mount })))
      .sort((a, b) => b.mount.length - a.mount.length);
    if (disk === undefined) return { device, sizeBytes };
    const { read_iops: readIops, write_iops: writeIops, read_bps: readBps, write_bps: writeBps } = disk.known;
    return { device, sizeBytes, readIops, writeIops, readBps, writeBps };
  });

/** `AUTO:/dir1:rwm:1GiB:1:2:3M:4M` as Muster has it: a volume that is called `dir1`. */
function volumeOf(binding: string): RevisionVolume {
  const [from = '', mount = '', flags = 'rw', size = '0', ...rates] = binding.split(':');
  const [readIops = 0, writeIops = 0, readBps = 0, writeBps = 0] = rates.map(bytesOf);
  return {
    name: mount.slice(1),
    mount,
    sizeBytes: bytesOf(size),
    source: from.startsWith('/') ? { kind: 'host', path: from } : { kind: 'auto' },
    exclusive: flags.includes('m'),
    readOnly: !flags.includes('w'),
    onRemove: 'keep',
    readIops,
    writeIops,
    readBps,
    writeBps,
  };
}

/** `-1TiB`, `100M`, `7`: powers of 1024. */
function bytesOf(text: string): number {
  const match = /^(-?\d+)([KMGT]?)(?:iB)?$/.exec(text);
  assert.ok(match !== null, text);
  return Number(match[1]) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(match[2] ?? '');
}

const revisionOf = (asked: readonly RevisionVolume[]): Revision => revision({ resources: nothingElse, volumes: asked });

/** The plan, which the second opinion finds nothing wrong with. */
function soundPlan(inputs: PlanInputs): Plan {
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan;
}

/** The volumes of each instance that the plan makes, by ordinal. */
const madeBy = (plan: Plan): readonly (readonly HeldVolume[])[] =>
  plan.steps.filter(({ kind }) => kind === 'create').map(({ holds }) => holds.volumes ?? []);

interface VolumeVector {
  readonly node?: NodeVector;
  readonly volumes_capacity?: NodeVector['volumes_capacity'];
  readonly bindings: readonly string[];
  readonly count?: number;
}

interface VolumeResult {
  readonly ok?: boolean;
  readonly plan_count?: number;
  readonly plans?: readonly Readonly<Record<string, { readonly device: string; readonly size: number }>>[];
}

/** More than the instances that fit in any vector. */
const many = 12;

function checkVolume(vector: Vector): void {
  const { node: there, volumes_capacity = {}, bindings, count } = vector.input as VolumeVector;
  const { ok, plan_count, plans } = vector.expected as VolumeResult;
  const on = there ?? { volumes_capacity };
  const next = revisionOf(bindings.map(volumeOf));
  const inputs = worldOf(on, { next, replicas: count ?? many });
  const made = madeBy(soundPlan(inputs));
  assert.equal(roomIn(on, next), made.length);
  if (ok === false) assert.ok(made.length < (count ?? many), 'not all of them fit');
  if (plan_count !== undefined) assert.equal(made.length, plan_count);
  for (const [index, expected] of (plans ?? []).entries()) {
    const held = made[index]?.map(({ name, device, bytes }) => [`/${name}`, { device, size: bytes }] as const);
    assert.deepEqual(Object.fromEntries(held ?? []), expected);
  }
}

/** How many fit as the planner counts them, before it places any. */
function roomIn(vector: NodeVector, next: Revision): number {
  const facts = factsOf(node('n1', { disks: disksOf(vector) }));
  const state = volumes.open(facts);
  for (const [device, bytes] of Object.entries(vector.volumes_used ?? {}))
    volumes.take(state, [{ name: 'other', device, bytes }]);
  const ask = volumes.askOf(next);
  assert.ok(ask !== undefined);
  return volumes.room(state, ask, { node: facts, atMost: many });
}

interface ResizeVector {
  readonly node: NodeVector;
  readonly current: {
    readonly bindings: readonly string[];
    readonly plan: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  readonly delta_bindings?: readonly string[];
  readonly delta?: { readonly volumes: readonly string[]; readonly storage: number };
}

interface ResizeResult {
  readonly ok: boolean;
  readonly placed?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly plan?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly bindings?: readonly string[];
  readonly dropped?: readonly string[];
  readonly group_total?: number;
}

/** There a resize is a difference; here git says what there should be, and the planner finds out what that changes. */
function checkResize(vector: Vector): void {
  const { node: there, current, delta_bindings, delta } = vector.input as ResizeVector;
  const expected = vector.expected as ResizeResult;
  const before = current.bindings.map(volumeOf);
  const after = merged(before, (delta?.volumes ?? delta_bindings ?? []).map(volumeOf));
  if (expected.bindings !== undefined) assert.deepEqual(after, expected.bindings.map(volumeOf));
  const resources = { ...nothingElse, storageBytes: delta?.storage ?? 0 };
  const plan = soundPlan(
    worldOf(there, {
      next: { ...revisionOf(after), resources },
      replicas: 1,
      now: { held: heldOf(before, current.plan), revision: revisionOf(before) },
    }),
  );
  if (delta?.storage === 4 * 1024 ** 4) {
    // There the volumes' 200 GiB and more are storage, too, and do not fit beside 4 TiB. Here all of the root disk does.
    assert.equal(expected.ok, false);
    assert.deepEqual(stepsOf(plan), ['replace']);
    return;
  }
  if (!expected.ok) {
    assert.deepEqual(stepsOf(plan), []);
    assert.equal(plan.refusals[0]?.code, 'MUS4001');
    return;
  }
  const [step] = plan.steps;
  assert.deepEqual(stepsOf(plan), ['replace']);
  const held = step?.holds.volumes ?? [];
  const now = Object.fromEntries(held.map(({ name, device, bytes }) => [`/${name}`, { [device]: bytes }]));
  for (const [mount, place] of Object.entries(expected.placed ?? expected.plan ?? {}))
    assert.deepEqual(now[mount], place);
  for (const mount of expected.dropped ?? []) assert.equal(now[mount], undefined);
  // What was there and is there stays where it is: nothing moves without being asked to.
  for (const [mount, place] of Object.entries(current.plan))
    if (now[mount] !== undefined) assert.deepEqual(Object.keys(now[mount]), Object.keys(place));
  const group = held.filter(({ exclusive }) => exclusive);
  assert.equal(new Set(group.map(({ device }) => device)).size, group.length > 0 ? 1 : 0);
  if (expected.group_total !== undefined)
    assert.equal(
      group.reduce((sum, { bytes }) => sum + bytes, 0),
      expected.group_total,
    );
}

const stepsOf = (plan: Plan): readonly string[] => plan.steps.map(({ kind }) => kind);

/** The differences added up; what is below nothing then is dropped. */
function merged(before: readonly RevisionVolume[], delta: readonly RevisionVolume[]): readonly RevisionVolume[] {
  const byMount = new Map(before.map((volume) => [volume.mount, volume]));
  for (const more of delta) {
    const known = byMount.get(more.mount);
    byMount.set(more.mount, known === undefined ? more : { ...known, sizeBytes: known.sizeBytes + more.sizeBytes });
  }
  return [...byMount.values()].filter(({ sizeBytes }) => sizeBytes >= 0);
}

const heldOf = (asked: readonly RevisionVolume[], plan: ResizeVector['current']['plan']): readonly HeldVolume[] =>
  asked.flatMap(({ name, mount, exclusive, readIops, writeIops, readBps, writeBps }) =>
    Object.entries(plan[mount] ?? {}).map(([device, bytes]) => ({
      name,
      device,
      bytes,
      ...(exclusive && { exclusive }),
      ...(readIops > 0 && { readIops, writeIops, readBps, writeBps }),
    })),
  );

function checkStorage(vector: Vector): void {
  const { cluster, request } = vector.input as {
    readonly cluster: {
      readonly nodes: number;
      readonly volumes_each: Readonly<Record<string, number>>;
      readonly storage_each: number;
    };
    readonly request: { readonly volumes?: readonly string[]; readonly storage: number };
  };
  const expected = vector.expected as { readonly total: number; readonly per_node: number };
  const next = {
    ...revisionOf((request.volumes ?? []).map(volumeOf)),
    resources: { ...nothingElse, storageBytes: request.storage },
  };
  const nodes = Array.from({ length: cluster.nodes }, (_, index) =>
    node(`n${index}`, {
      disks: disksOf({ volumes_capacity: cluster.volumes_each }),
      capacity: { storageBytes: cluster.storage_each },
    }),
  );
  const plan = soundPlan(
    world({ nodes, workloads: [workload(app, { replicas: 100, revision: next, placement: anywhere })] }),
  );
  const counts = new Map<string, number>();
  for (const step of plan.steps) counts.set(step.node, (counts.get(step.node) ?? 0) + 1);
  // There the volume's 1 GiB is storage, too, and only three times as much fits; here it has its device, and the root
  // disk has room for four. Four devices, four instances.
  const perNode = request.volumes === undefined ? expected.per_node : 4;
  assert.equal(plan.steps.length, perNode * cluster.nodes);
  assert.deepEqual(
    [...counts.values()],
    nodes.map(() => perNode),
  );
}

if (!existsSync(file)) {
  test('volume vectors', { skip: 'no ../shared/vectors/eru.json beside the repo' }, () => {});
} else {
  const vectors = (JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]).filter(({ area }) => area in byArea);
  for (const vector of vectors) test(`vector ${vector.area}: ${vector.name}`, () => byArea[vector.area]?.(vector));
  test('every area of volumes has its vectors', () => {
    assert.deepEqual([...new Set(vectors.map(({ area }) => area))].sort(), Object.keys(byArea).sort());
  });
}
