import { instanceId, nodeName, planId, revisionHash, stepId, unitOf, workloadId } from '../../src/model/ids.ts';
import type { FieldChange, Plan, Step, StepKind } from '../../src/model/plan.ts';
import type { Holds } from '../../src/model/recorded.ts';

/** Hand-made plans for the renderers: every step kind, refusals, drains, quota; the planner has its own tests. */

export const checkout = workloadId('payments', 'checkout');
const before = revisionHash('1111aaaa2222bbbb');
const after = revisionHash('3333cccc4444dddd');

const holds: Holds = { cpuMillis: 500, memoryBytes: 512 * 1024 ** 2, storageBytes: 0, ports: { http: 31001 } };

const undoOf: Readonly<Record<StepKind, Step['undo']>> = {
  create: 'reversible',
  update: 'reversible',
  replace: 'compensable',
  move: 'compensable',
  stop: 'compensable',
  remove: 'final',
  forget: 'final',
};

export function step(of: {
  readonly kind: StepKind;
  readonly ordinal: number;
  readonly unit?: string;
  readonly node?: string;
  readonly from?: string;
  readonly wave?: number;
  readonly changes?: readonly FieldChange[];
  readonly over?: Partial<Step>;
}): Step {
  const [namespace = '', name = ''] = (of.unit ?? 'payments/checkout').split('/');
  const workload = workloadId(namespace, name);
  const replacing = of.kind === 'replace' || of.kind === 'move';
  return {
    id: stepId(`${workload}:${of.kind}:${of.ordinal}`),
    kind: of.kind,
    instance: instanceId(workload, of.ordinal),
    generation: 5,
    node: nodeName(of.node ?? 'web-a-01'),
    engine: 'docker',
    ...(of.from !== undefined && { from: nodeName(of.from) }),
    unit: unitOf(workload),
    wave: of.wave ?? 0,
    class: of.kind === 'update' ? 'live' : 'recreate',
    undo: undoOf[of.kind],
    order: replacing ? 'create-first' : 'in-place',
    cause: 'change',
    revision: after,
    ...(replacing && {
      replaces: {
        generation: 4,
        node: nodeName(of.from ?? of.node ?? 'web-a-01'),
        engine: 'docker' as const,
        revision: before,
        holds,
        object: 'running' as const,
      },
    }),
    changes: of.changes ?? [],
    reason: 'git declares another revision',
    holds: { ...holds, ports: { http: 31001 + of.ordinal } },
    ...of.over,
  };
}

export const imageChange: readonly FieldChange[] = [
  { path: '/image', before: 'registry.local/checkout:1.4', after: 'registry.local/checkout:1.5', class: 'recreate' },
  { path: '/resources/memoryBytes', before: 512 * 1024 ** 2, after: 1024 ** 3, class: 'live' },
  { path: '/env/LOG_LEVEL', after: 'info', class: 'recreate' },
];

/** A plan around steps: units and waves from the steps themselves. */
export function planOf(steps: readonly Step[], over: Partial<Plan> = {}): Plan {
  const count = (kind: StepKind): number => steps.filter((item) => item.kind === kind).length;
  const units = [...new Set(steps.map((item) => item.unit))].map((id) => {
    const own = steps.filter((item) => item.unit === id);
    const waves = Math.max(...own.map((item) => item.wave)) + 1;
    return {
      id,
      after: [],
      waves: Array.from({ length: waves }, (_, wave) => ({
        steps: own.filter((item) => item.wave === wave).map((item) => item.id),
        gate: 'healthy' as const,
        observeMs: wave === waves - 1 ? 120_000 : 0,
        worstCaseMs: wave === waves - 1 ? 360_000 : 240_000,
        ...availableDuring(over, own, wave),
      })),
      worstCaseMs: 240_000 * waves + 120_000,
    };
  });
  return {
    formatVersion: '1.0',
    id: planId('sha256:0123456789abcdef0123456789abcdef'),
    cluster: 'prod',
    createdAt: '2026-11-21T22:00:00.000Z',
    expiresAt: '2026-11-21T23:00:00.000Z',
    basis: { commits: { platform: 'worktree' }, storeRevision: 812, engines: {}, workloads: {}, nodes: {} },
    summary: {
      create: count('create'),
      update: count('update'),
      replace: count('replace'),
      move: count('move'),
      stop: count('stop'),
      remove: count('remove'),
      forget: count('forget'),
      unchanged: 120,
    },
    steps,
    units,
    goals: [],
    refusals: [],
    availability: {},
    quota: [],
    capacity: [],
    warnings: [],
    ...over,
  };
}

/** In a wave that stops before it creates its instances are missed, in others none is. */
function availableDuring(
  { availability = {} }: Partial<Plan>,
  own: readonly Step[],
  wave: number,
): { readonly available?: number } {
  const { of } = availability[checkout] ?? {};
  const stopped = own.filter((item) => item.wave === wave && item.order === 'stop-first').length;
  return of === undefined ? {} : { available: of - stopped };
}

export const rollout = (instances: number, order: Step['order'] = 'create-first'): Plan =>
  planOf(
    Array.from({ length: instances }, (_, ordinal) =>
      step({
        kind: 'replace',
        ordinal,
        node: `web-a-${String(ordinal + 1).padStart(2, '0')}`,
        wave: Math.ceil(ordinal / 2),
        changes: imageChange,
        over: { order },
      }),
    ),
    {
      availability: {
        [checkout]: { lowest: instances - (order === 'stop-first' ? Math.min(2, instances) : 0), of: instances },
      },
    },
  );

export const refused: Partial<Plan> = {
  refusals: [
    {
      code: 'MUS4001',
      subject: 'payments/ledger',
      instances: 2,
      message: '2 of 6 instances do not fit on any node',
      byReason: { memoryBytes: 12, label: 28 },
      nearest: { node: nodeName('web-a-07'), missing: { memoryBytes: 2 * 1024 ** 3 } },
    },
    {
      code: 'MUS4002',
      subject: 'payments',
      instances: 19,
      message: 'payments: 412 → 431 of 420 instances',
      byReason: {},
    },
  ],
};
