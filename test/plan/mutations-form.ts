import { nodeName, revisionHash, runId } from '../../src/model/ids.ts';
import {
  any,
  bodyOf,
  editHolds,
  editStep,
  editUnit,
  isNew,
  isReplaced,
  type Mutation,
  makes,
  onPair,
  onStep,
  unit,
  withCopy,
  withDesired,
  withPlan,
  withRecorded,
  workloadOf,
} from './mutations-edit.ts';

// Plans that are not whole, or that speak of what is not so.
export const shape: readonly Mutation[] = [
  { name: 'raise the major version', rule: 'format', apply: (scene) => withPlan(scene, { formatVersion: '2.0' }) },
  { name: 'make it for another cluster', rule: 'format', apply: (scene) => withPlan(scene, { cluster: 'staging' }) },
  {
    name: 'drop a step from its wave',
    rule: 'structure',
    apply: onStep(any, (scene, step) =>
      editUnit(scene, step.unit, ({ waves }) => ({
        waves: waves.map((wave) => ({ ...wave, steps: wave.steps.filter((id) => id !== step.id) })),
      })),
    ),
  },
  {
    name: 'run a wave twice',
    rule: 'structure',
    apply: onStep(any, (scene, step) => editUnit(scene, step.unit, ({ waves }) => ({ waves: [...waves, ...waves] }))),
  },
  {
    name: 'list a step twice in its wave',
    rule: 'structure',
    apply: onStep(any, (scene, step) =>
      editUnit(scene, step.unit, ({ waves }) => ({
        waves: waves.map((wave) =>
          wave.steps.includes(step.id) ? { ...wave, steps: [...wave.steps, step.id] } : wave,
        ),
      })),
    ),
  },
  {
    name: 'name a unit twice',
    rule: 'structure',
    apply: (scene) => {
      const [first] = scene.plan.units;
      return first && withPlan(scene, { units: [...scene.plan.units, { ...first, waves: [] }] });
    },
  },
  {
    name: 'give two steps one id',
    rule: 'structure',
    apply: onPair(any, (scene, { id }, second) => editStep(scene, second, { id })),
  },
  {
    name: 'let a step say another wave',
    rule: 'structure',
    apply: onStep(any, (scene, step) => editStep(scene, step, { wave: step.wave + 1 })),
  },
  {
    name: 'put a step into the unit of another workload',
    rule: 'structure',
    apply: onPair(
      (first, second) => first.unit !== second.unit,
      (scene, first, second) => editStep(scene, second, { instance: first.instance }),
    ),
  },
  {
    name: 'count a step less',
    rule: 'summary',
    apply: onStep(any, (scene, { kind }) => {
      const { summary } = scene.plan;
      return withPlan(scene, { summary: { ...summary, [kind]: summary[kind] - 1 } });
    }),
  },
  {
    name: 'drop a wave gate',
    rule: 'gate',
    apply: onStep(makes, (scene, step) =>
      editUnit(scene, step.unit, ({ waves }) => ({ waves: waves.map((wave) => ({ ...wave, gate: 'none' })) })),
    ),
  },
  {
    name: 'drop an order that git asks for',
    rule: 'order',
    apply: onStep(
      (step, scene) => scene.plan.units.some(({ id, after }) => id === step.unit && after.length > 0) && makes(step),
      (scene, step) => {
        const wanted = workloadOf(scene, step)?.after ?? [];
        return wanted.length === 0 ? undefined : editUnit(scene, step.unit, () => ({ after: [] }));
      },
    ),
  },
  {
    name: 'let two units wait for each other',
    rule: 'order',
    apply: ({ plan, ...scene }) => {
      const waiting = plan.units.find(({ after }) => after.length > 0);
      const [earlier] = waiting?.after ?? [];
      if (waiting === undefined || earlier === undefined) return undefined;
      return editUnit({ plan, ...scene }, earlier, ({ after }) => ({ after: [...after, waiting.id] }));
    },
  },
  {
    name: 'let a unit wait for one that is not there',
    rule: 'order',
    apply: onStep(any, (scene, step) =>
      editUnit(scene, step.unit, ({ after }) => ({ after: [...after, unit('a/b')] })),
    ),
  },
  {
    name: 'reach a drain through a unit that is not there',
    rule: 'goal',
    apply: (scene) => {
      const { goals } = scene.plan;
      return goals.length === 0
        ? undefined
        : withPlan(scene, { goals: goals.map((goal) => ({ ...goal, units: [...goal.units, unit('a/b')] })) });
    },
  },
  {
    name: 'drain a node that stays',
    rule: 'goal',
    apply: onStep(isNew, (scene, { node }) =>
      withPlan(scene, { goals: [...scene.plan.goals, { kind: 'drain', node, units: [], blocked: [] }] }),
    ),
  },
  {
    name: 'drain more nodes of a zone at a time than git allows',
    rule: 'drain',
    apply: (scene) => {
      const { cluster, nodes } = scene.inputs.desired;
      const left = scene.plan.steps
        .filter(({ cause }) => cause === 'drain')
        .map((step) => step.replaces?.node ?? step.node);
      const zones = [...new Set(left)].map((name) => nodes.find((node) => node.name === name)?.zone);
      if (new Set(zones).size === zones.length) return undefined;
      return withDesired(scene, { cluster: { ...cluster, drain: { perZone: { kind: 'count', count: 1 } } } });
    },
  },
  {
    name: 'reach a drain through a unit that stays',
    rule: 'goal',
    apply: (scene) => {
      const { goals, steps } = scene.plan;
      const stays = scene.plan.units.find(({ id }) =>
        steps.every(
          (step) => step.unit !== id || !goals.some(({ node }) => node === (step.replaces?.node ?? step.node)),
        ),
      );
      if (stays === undefined || goals.length === 0) return undefined;
      return withPlan(scene, { goals: goals.map((goal) => ({ ...goal, units: [stays.id] })) });
    },
  },
];

export const references: readonly Mutation[] = [
  {
    name: 'replace a generation that is not recorded',
    rule: 'recorded',
    apply: onStep(isReplaced, (scene, step) =>
      editStep(scene, step, { ...(step.replaces && { replaces: { ...step.replaces, generation: 99 } }) }),
    ),
  },
  {
    name: 'change what a predecessor holds',
    rule: 'recorded',
    apply: onStep(isReplaced, (scene, step) =>
      editStep(scene, step, {
        ...(step.replaces && { replaces: { ...step.replaces, holds: { ...step.replaces.holds, cpuMillis: 1 } } }),
      }),
    ),
  },
  {
    name: 'change the volumes that a predecessor holds',
    rule: 'recorded',
    apply: onStep(
      (step) => step.replaces?.holds.volumes !== undefined,
      (scene, step) => {
        const { replaces } = step;
        const volumes = replaces?.holds.volumes?.slice(1) ?? [];
        return editStep(scene, step, {
          ...(replaces && { replaces: { ...replaces, holds: { ...replaces.holds, volumes } } }),
        });
      },
    ),
  },
  {
    name: 'replace nothing',
    rule: 'recorded',
    apply: onStep(isNew, (scene, step) => {
      const { summary } = scene.plan;
      const counted = { ...summary, create: summary.create - 1, replace: summary.replace + 1 };
      return editStep(withPlan(scene, { summary: counted }), step, { kind: 'replace' });
    }),
  },
  {
    name: 'move from where it is not',
    rule: 'recorded',
    apply: onStep(
      ({ kind }) => kind === 'move',
      (scene, step) => editStep(scene, step, { from: nodeName('n99') }),
    ),
  },
  {
    name: 'end an allocation twice',
    rule: 'recorded',
    apply: onStep(
      ({ kind }) => kind === 'remove',
      (scene, step) => withCopy(scene, step, {}),
    ),
  },
  {
    name: 'say that what runs is gone, so that nobody stops it',
    rule: 'recorded',
    apply: onStep(isReplaced, (scene, step) =>
      editStep(scene, step, { ...(step.replaces && { replaces: { ...step.replaces, object: 'gone' } }) }),
    ),
  },
  {
    name: 'drop the end of the predecessor, so that both go on',
    rule: 'recorded',
    apply: onStep(isReplaced, (scene, step) => {
      const { replaces: _, from: __, ...alone } = step;
      const steps = scene.plan.steps.map((known) =>
        known.id === step.id ? { ...alone, kind: 'create' as const } : known,
      );
      const { summary } = scene.plan;
      const counted = { ...summary, create: summary.create + 1, [step.kind]: summary[step.kind] - 1 };
      return withPlan(scene, { steps, summary: counted });
    }),
  },
  {
    name: 'remove what only somebody else has',
    rule: 'recorded',
    apply: onStep(
      ({ kind }) => kind === 'remove',
      (scene, step) => editStep(scene, step, { generation: step.generation + 50 }),
    ),
  },
  {
    name: 'make a generation that was used',
    rule: 'generation',
    apply: onStep(isReplaced, (scene, step) => editStep(scene, step, { generation: step.replaces?.generation ?? 0 })),
  },
  {
    name: 'make a generation that is recorded, where the count is behind',
    rule: 'generation',
    apply: onStep(isReplaced, (scene, step) => {
      const { workloads } = scene.inputs.recorded;
      const behind = new Map([...workloads].map(([id, record]) => [id, { ...record, nextGeneration: 1 }]));
      return editStep(withRecorded(scene, { workloads: behind }), step, { generation: step.replaces?.generation ?? 0 });
    }),
  },
  {
    name: 'make an instance twice',
    rule: 'generation',
    apply: onStep(isNew, (scene, step) => withCopy(scene, step, { generation: step.generation + 100 })),
  },
  {
    name: 'change a workload whose unit is in flight',
    rule: 'frozen',
    apply: onStep(any, (scene, step) =>
      withRecorded(scene, { inFlight: [{ run: runId('r1'), unit: step.unit, status: 'running' }] }),
    ),
  },
  {
    name: 'change a workload that somebody froze',
    rule: 'frozen',
    apply: onStep(any, (scene, step) =>
      withRecorded(scene, {
        overrides: [
          { id: 'o', kind: 'freeze', target: step.unit, actor: 'ann', reason: 'audit', until: scene.inputs.now + 1 },
        ],
      }),
    ),
  },
  {
    name: 'make a revision that nobody knows',
    rule: 'revision',
    apply: onStep(makes, (scene, step) => editStep(scene, step, { revision: revisionHash('unknown') })),
  },
  {
    name: 'make another workload’s revision',
    rule: 'revision',
    apply: onPair(
      (first, second, { inputs }) =>
        makes(second) && first.unit !== second.unit && inputs.recorded.revisions.has(first.revision),
      (scene, first, second) => editStep(scene, second, { revision: first.revision }),
    ),
  },
  {
    name: 'make an old revision that nobody asks for',
    rule: 'revision',
    apply: onStep(makes, (scene, step) => {
      const body = bodyOf(scene, step);
      if (body === undefined) return undefined;
      const old = revisionHash('old');
      const known = withRecorded(scene, { revisions: new Map(scene.inputs.recorded.revisions).set(old, body) });
      return editStep(known, step, { revision: old });
    }),
  },
  {
    name: 'make it with another engine',
    rule: 'revision',
    apply: onStep(makes, (scene, step) => editStep(scene, step, { engine: 'process' })),
  },
  {
    name: 'hold less memory than is asked for',
    rule: 'revision',
    apply: onStep(makes, (scene, step) => editHolds(scene, step, { memoryBytes: step.holds.memoryBytes - 1 })),
  },
  {
    name: 'change in place what only a new object can have',
    rule: 'revision',
    apply: onStep(
      ({ kind }) => kind === 'update',
      (scene) => ({ ...scene, inputs: { ...scene.inputs, liveFields: {} } }),
    ),
  },
  {
    name: 'forge the class of undo',
    rule: 'undo',
    apply: onStep(
      ({ undo }) => undo !== 'reversible',
      (scene, step) => editStep(scene, step, { undo: 'reversible' }),
    ),
  },
];
