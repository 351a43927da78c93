import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DesiredNode, DesiredWorkload, Placement } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { Resources } from '../../src/model/resources.ts';
import type { Revision, RevisionCpu } from '../../src/model/revision.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { cores } from '../../src/plan/resources/cores.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { node, type Running, revision, withRunning, workload, world } from './world.ts';

/** Facts of a production scheduler, beside the repo; they are not ours to publish. */
const file = join(import.meta.dirname, '../../../shared/vectors/eru.json');

export interface Vector {
  readonly area: string;
  readonly name: string;
  readonly input: unknown;
  readonly expected: unknown;
}

/** One test for each vector of the areas, and one that every area has some. */
export function testVectors(
  name: string,
  byArea: Readonly<Record<string, (vector: Vector) => void | Promise<void>>>,
): void {
  if (!existsSync(file)) {
    test(name, { skip: 'no ../shared/vectors/eru.json beside the repo' }, () => {});
    return;
  }
  const vectors = (JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]).filter(({ area }) => area in byArea);
  for (const vector of vectors) test(`vector ${vector.area}: ${vector.name}`, () => byArea[vector.area]?.(vector));
  test(`${name}: every area has its vectors`, () => {
    assert.deepEqual([...new Set(vectors.map(({ area }) => area))].sort(), Object.keys(byArea).sort());
  });
}

export const app = 'vectors/app';
export const anywhere: Placement = { pods: [], require: {}, tolerate: [], partial: true };
export const allOrNothing: Placement = { ...anywhere, partial: false };
/** More than the instances that fit in any vector. */
export const many = 24;

export type PerCore = Readonly<Record<string, number>>;

/** A hundredth of a core there. */
export const milliOf = (pieces: number): number => Math.round(pieces * 10);

export const other = workload('vectors/other', {
  replicas: 1,
  hash: 'other',
  revision: revision({ resources: resources({}) }),
  placement: anywhere,
});

export interface MachineVector {
  readonly cpu_capacity: PerCore;
  readonly cpu_usage: PerCore;
  readonly memory: number;
  readonly numa: Readonly<Record<string, string>>;
  readonly numa_memory: Readonly<Record<string, number>>;
}

export interface Machine {
  readonly node: DesiredNode;
  readonly others: Running;
  readonly taken: Holds;
}

/** A node whose cores are all sold as often as the one that is sold most; what that is too much is another's. */
export function machineOf({ cpu_capacity, cpu_usage, memory, numa, numa_memory }: MachineVector): Machine {
  const names = Object.keys(cpu_capacity);
  const most = Math.max(...Object.values(cpu_capacity));
  const taken = names.map(
    (name) => [name, milliOf(most - (cpu_capacity[name] ?? 0) + (cpu_usage[name] ?? 0))] as const,
  );
  const holds = holding(Object.fromEntries(taken));
  const numaNodes = [...new Set(Object.values(numa))].sort();
  return {
    node: node('n1', {
      capacity: { cpuMillis: names.length * 1000, memoryBytes: memory },
      overcommitCpuMilli: milliOf(most),
      ...(numaNodes.length > 0 && {
        numa: numaNodes.map((id) => ({
          cpus: names.filter((name) => numa[name] === id).map(Number),
          memoryBytes: numa_memory[id] ?? 0,
        })),
      }),
    }),
    others: { workload: 'vectors/other', ordinal: 0, node: 'n1', hash: 'other', holds },
    taken: holds,
  };
}

/** Thousandths of cores as an allocation has them. */
export function holding(milli: PerCore): Holds {
  const some = Object.entries(milli).filter(([, amount]) => amount > 0);
  const parts = some.filter(([, amount]) => amount !== 1000);
  return {
    cpuMillis: some.reduce((sum, [, amount]) => sum + amount, 0),
    memoryBytes: 0,
    storageBytes: 0,
    ...(some.length > 0 && { cpuset: some.map(([core]) => core).join(',') }),
    ...(parts.length > 0 && { cpuFragments: Object.fromEntries(parts) }),
  };
}

export function bound(of: Resources, numa: RevisionCpu['numa'] = 'prefer'): Revision {
  return revision({ resources: resources(of), cpu: { bind: true, numa } });
}

export function resources({ cpuMillis = 0, memoryBytes = 0, ...extended }: Resources): Revision['resources'] {
  return {
    cpuMillis,
    memoryBytes,
    storageBytes: 0,
    bandwidthBits: 0,
    extended: { ...extended } as Record<string, number>,
  };
}

/** The plan, once the verifier has agreed to it. */
export function planned(inputs: PlanInputs): Plan {
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan;
}

export const madeBy = (plan: Plan): readonly Holds[] =>
  plan.steps.filter(({ kind }) => kind === 'create').map(({ holds }) => holds);

export function piecesIn({ cpuset = '', cpuFragments = {} }: Holds): PerCore {
  const { whole = [] } = cores.heldOf({ cpuMillis: 0, memoryBytes: 0, storageBytes: 0, cpuset, cpuFragments }) ?? {};
  const parts = Object.entries(cpuFragments).map(([core, milli]) => [core, milli / 10]);
  return Object.fromEntries([...(cpuset === '' ? [] : whole).map((core) => [String(core), 100]), ...parts]);
}

/** The plan for one instance that is there and should become another. */
export function resized(
  machine: DesiredNode,
  of: { readonly now: Revision; readonly next: Revision; readonly holds: Partial<Holds>; readonly theirs?: Holds },
): Plan {
  return planned(resizing(machine, of));
}

export function resizing(
  machine: DesiredNode,
  { now, next, holds, theirs }: Parameters<typeof resized>[1],
  more: readonly DesiredWorkload[] = [],
): PlanInputs {
  const running: Running[] = [
    { workload: app, ordinal: 0, node: 'n1', hash: 'now', holds },
    ...(theirs === undefined ? [] : [{ ...otherRunning, holds: theirs }]),
  ];
  const inputs = world({
    nodes: [machine],
    workloads: [
      ...(theirs === undefined ? [] : [other]),
      workload(app, {
        type: 'stateful',
        replicas: 1,
        hash: next === now ? 'now' : 'next',
        revision: next,
        placement: allOrNothing,
      }),
      ...more,
    ],
  });
  return withRunning(inputs, running, { revisions: { other: other.revision, now, next } });
}

const otherRunning: Running = { workload: 'vectors/other', ordinal: 0, node: 'n1', hash: 'other' };
