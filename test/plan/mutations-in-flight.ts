import { allocationId, instanceId, runId, unitOf, workloadId } from '../../src/model/ids.ts';
import type { Step } from '../../src/model/plan.ts';
import type { Holds } from '../../src/model/recorded.ts';
import { bodyOf, isNew, type Mutation, makes, nodeOf, onStep, withRecorded } from './mutations-edit.ts';
import type { Scene } from './mutations-worlds.ts';

// A plan that takes what a unit in flight, paused before a wave, may still come to hold.

const nothing: Holds = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 };
const other = workloadId('payments', 'elsewhere');

/** A unit that is yet to make an instance beside the one of the step, which is to hold this. */
function withUnit(scene: Scene, step: Step, holds: Partial<Holds>): Scene | undefined {
  const body = bodyOf(scene, step);
  if (body === undefined) return undefined;
  const after = {
    allocation: allocationId(instanceId(other, 0), 1),
    node: step.node,
    revision: step.revision,
    holds: { ...nothing, ...holds },
  };
  return withRecorded(scene, {
    revisions: new Map([...scene.inputs.recorded.revisions, [step.revision, body]]),
    inFlight: [{ run: runId('r1'), unit: unitOf(other), status: 'paused', waves: [[], [{ order: 'beside', after }]] }],
  });
}

/** Nothing on its node makes room for it. */
const isExtra = (step: Step, { plan }: Scene): boolean =>
  isNew(step) && plan.steps.every(({ node, kind }) => node !== step.node || kind === 'create');

const takes = (piece: 'ports' | 'ip' | 'devices' | 'cpuset') => (step: Step) =>
  makes(step) && step.holds[piece] !== undefined && step.replaces === undefined;

export const inFlight: readonly Mutation[] = [
  {
    name: 'use the memory that a unit in flight may still need',
    rule: 'capacity',
    apply: onStep(isExtra, (scene, step) => {
      const memoryBytes = nodeOf(scene, step.node)?.capacity.memoryBytes;
      return memoryBytes === undefined ? undefined : withUnit(scene, step, { memoryBytes });
    }),
  },
  {
    name: 'use the quota that a unit in flight may still need',
    rule: 'quota',
    apply: onStep(
      (step) => isNew(step) && step.unit.startsWith('payments/'),
      (scene, step) => {
        const limits = scene.inputs.desired.quotas.flatMap(({ namespace, pod, limits: { cpuMillis } }) =>
          namespace === 'payments' && pod === undefined && cpuMillis !== undefined ? [cpuMillis] : [],
        );
        return limits[0] === undefined ? undefined : withUnit(scene, step, { cpuMillis: limits[0] });
      },
    ),
  },
  {
    name: 'take a port that a unit in flight may still take',
    rule: 'ports',
    apply: onStep(takes('ports'), (scene, step) => withUnit(scene, step, { ports: step.holds.ports ?? {} })),
  },
  {
    name: 'take an address that a unit in flight may still take',
    rule: 'addresses',
    apply: onStep(takes('ip'), (scene, step) => withUnit(scene, step, { ip: step.holds.ip ?? '' })),
  },
  {
    name: 'take a device that a unit in flight may still take',
    rule: 'devices',
    apply: onStep(takes('devices'), (scene, step) => {
      const kinds = Object.entries(step.holds.devices ?? {}).map(([kind, pieces]) => {
        const all = Object.keys(pieces).map((piece) => [piece, 1000] as const);
        return [kind, Object.fromEntries(all)] as const;
      });
      return withUnit(scene, step, { devices: Object.fromEntries(kinds) });
    }),
  },
  {
    name: 'take cores that a unit in flight may still take',
    rule: 'cores',
    apply: onStep(takes('cpuset'), (scene, step) => {
      const overcommit = nodeOf(scene, step.node)?.overcommitCpuMilli ?? 1000;
      const { cpuset = '' } = step.holds;
      const core = /^\d+/.exec(cpuset)?.[0] ?? '';
      return withUnit(scene, step, { cpuset: core, cpuFragments: { [core]: overcommit } });
    }),
  },
];
