import fc from 'fast-check';
import type { AffinityRule, CountOrPercent, DesiredWorkload, Placement, SpreadRule } from '../../src/model/desired.ts';
import { transactionId, type WorkloadId } from '../../src/model/ids.ts';
import type { Revision, RevisionPort, RevisionVolume } from '../../src/model/revision.ts';
import { GiB, podName, revision, workload } from './world.ts';

/** The last of them is in a namespace of its own. */
export const workloadName = (index: number): WorkloadId =>
  workload(`${index === 3 ? 'batch' : 'payments'}/w${index}`).id;

const count = (amount: number): CountOrPercent => ({ kind: 'count', count: amount });
const percent = (share: number): CountOrPercent => ({ kind: 'percent', percent: share });

/** A workload with every kind of rule; its revision is from `anyBody`. */
export const anyWorkload = (index: number): fc.Arbitrary<DesiredWorkload> =>
  fc
    .record({
      body: anyBody(index),
      placement: anyPlacement(index),
      update: anyUpdate,
      type: fc.constantFrom(...(['stateless', 'stateless', 'stateful', 'static', 'daemon'] as const)),
      replicas: fc.integer({ min: 0, max: 7 }),
      preempts: fc.boolean(),
      maxUnavailable: fc.constantFrom<DesiredWorkload['maxUnavailable']>(
        { kind: 'policy' },
        { kind: 'policy' },
        count(0),
        count(2),
        percent(50),
        { kind: 'quorum' },
      ),
      isAfter: fc.boolean(),
      isTied: fc.boolean(),
      priority: fc.constantFrom(100, 1000),
      onLost: fc.constantFrom(...(['auto', 'auto', 'recreate', 'wait'] as const)),
    })
    .map((w) => {
      const body = onlyOne(w.body, w.replicas);
      // Two of them change together, where git says so; none of these comes after the other.
      const isTied = w.isTied && (index === 1 || index === 2);
      return workload(workloadName(index), {
        type: w.type,
        replicas: w.replicas,
        hash: JSON.stringify(body),
        revision: body,
        placement: w.placement,
        update: { ...w.update, healthyDeadlineMs: 60_000 },
        maxUnavailable: w.maxUnavailable,
        after: w.isAfter && index > 0 && !(isTied && index === 2) ? [workloadName(index - 1)] : [],
        ...(isTied && { transaction: transactionId('payments', 'release') }),
        priority: w.priority,
        onLost: w.onLost,
        ...(w.preempts && { preemption: 'lower' as const }),
      });
    });

const anyUpdate = fc.record({
  groups: fc.constantFrom<readonly CountOrPercent[]>(
    [count(1), percent(100)],
    [percent(100)],
    [count(1), percent(40), percent(100)],
    [count(2), count(3)],
  ),
  observeMs: fc.constantFrom(0, 10_000),
  order: fc.constantFrom(...(['auto', 'auto', 'create-first', 'stop-first'] as const)),
  maxSurge: fc.constantFrom<DesiredWorkload['update']['maxSurge']>(
    { kind: 'policy' },
    { kind: 'policy' },
    count(0),
    count(2),
    percent(50),
  ),
});

const anyPlacement = (index: number): fc.Arbitrary<Placement> =>
  fc
    .record({
      pods: fc.constantFrom(['web'], ['web'], ['db', 'web'], []),
      ssd: fc.boolean(),
      tolerates: fc.boolean(),
      strategy: fc.constantFrom(...(['auto', 'fill', 'each', 'global', 'drained', 'pack'] as const)),
      perNode: fc.constantFrom(undefined, undefined, 2),
      partial: fc.boolean(),
      spread: anySpread,
      near: anyNearness(index),
      prefers: fc.boolean(),
    })
    .map(({ pods, ssd, tolerates, strategy, perNode, partial, spread, near, prefers }) => ({
      pods: pods.map(podName),
      require: ssd ? { disk: 'ssd' } : {},
      tolerate: tolerates ? [{ key: 'pool' }] : [],
      partial,
      strategy,
      ...(perNode !== undefined && { perNode }),
      ...(spread.length > 0 && { spread }),
      ...(prefers && { prefer: [{ labels: { disk: 'ssd' }, weight: 5 }] }),
      ...near,
    }));

const anySpread: fc.Arbitrary<readonly SpreadRule[]> = fc.constantFrom<readonly SpreadRule[]>(
  [],
  [],
  [],
  [{ by: 'zone', minDomains: 1 }],
  [{ by: 'zone', minDomains: 2 }],
  [{ by: 'zone', minDomains: 3 }],
  [{ by: 'rack', minDomains: 2 }],
  [{ by: 'node', minDomains: 3 }],
  [
    { by: 'zone', minDomains: 2 },
    { by: 'node', minDomains: 3 },
  ],
);

/** Near to or far from the one before it, or from its own kind. */
function anyNearness(index: number): fc.Arbitrary<Pick<Placement, 'affinity' | 'antiAffinity'>> {
  const rule = fc.record({
    to: fc.constantFrom(workloadName(index), workloadName(Math.max(0, index - 1))),
    by: fc.constantFrom(...(['zone', 'node', 'rack'] as const)),
    required: fc.boolean(),
  });
  const kinds = fc.constantFrom(...([undefined, undefined, undefined, 'affinity', 'antiAffinity'] as const));
  return fc
    .tuple(kinds, rule)
    .map(([kind, only]) => (kind === undefined ? {} : { [kind]: [only satisfies AffinityRule] }));
}

/** What instances are made from: everything that can be held is held by some. */
const anyBody = (index: number): fc.Arbitrary<Revision> =>
  fc
    .record({
      version: fc.integer({ min: 1, max: 2 }),
      cpuMillis: fc.constantFrom(250, 500, 1500),
      memory: fc.constantFrom(1, 1, 2),
      isUnlimited: fc.constantFrom(false, false, true),
      storage: fc.constantFrom(0, 0, 3),
      bandwidthBits: fc.constantFrom(0, 0, 400_000_000),
      ports: fc.constantFrom<readonly RevisionPort[]>(
        [],
        [port('http', 'auto')],
        [port('http', 8000 + index)],
        [port('dns', 'auto', 'udp'), port('http', 'auto')],
      ),
      gpu: fc.constantFrom(undefined, undefined, undefined, 'gpu/a100', 'gpu/*', 'gpu/a100|v100'),
      gpuMilli: fc.constantFrom(500, 1000, 2000),
      bind: fc.constantFrom(...([undefined, undefined, undefined, 'none', 'prefer', 'require'] as const)),
      volumes: anyVolumes,
      ip: fc.constantFrom(undefined, undefined, undefined, 'pool', 'keep', 'range', '10.1.0.9'),
      restart: fc.constantFrom(...(['always', 'on-failure'] as const)),
    })
    .map((b) =>
      revision({
        image: `app:${b.version}`,
        restart: b.restart,
        ports: b.ports,
        resources: {
          cpuMillis: b.cpuMillis,
          memoryBytes: b.memory * GiB,
          storageBytes: b.storage * GiB,
          bandwidthBits: b.bandwidthBits,
          extended: b.gpu !== undefined && index >= 2 ? { [b.gpu]: b.gpuMilli } : {},
        },
        limits: b.isUnlimited
          ? { cpuMillis: 'unlimited', memoryBytes: 'unlimited' }
          : { cpuMillis: b.cpuMillis, memoryBytes: b.memory * GiB },
        ...(b.bind !== undefined && { cpu: { bind: true as const, numa: b.bind } }),
        ...(b.volumes.length > 0 && { volumes: b.volumes }),
        ...(b.ip !== undefined && {
          network: b.ip === 'range' ? { name: 'prod', ip: 'pool', pool: 'web' } : { name: 'prod', ip: b.ip },
        }),
      }),
    );

/** A fixed address is for a single instance: the loader refuses it for more. */
function onlyOne({ network, ...rest }: Revision, replicas: number): Revision {
  if (network === undefined) return rest;
  const isFixed = network.ip !== 'pool' && network.ip !== 'keep';
  return { ...rest, network: isFixed && replicas !== 1 ? { ...network, ip: 'keep' } : network };
}

const port = (name: string, publish: RevisionPort['publish'], protocol: 'tcp' | 'udp' = 'tcp'): RevisionPort => ({
  name,
  port: name === 'dns' ? 53 : 80,
  protocol,
  publish,
});

const volume = (name: string, change: Partial<RevisionVolume> = {}): RevisionVolume => ({
  name,
  mount: `/${name}`,
  sizeBytes: 3 * GiB,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
  ...change,
});

const anyVolumes: fc.Arbitrary<readonly RevisionVolume[]> = fc.constantFrom<readonly RevisionVolume[]>(
  [],
  [],
  [],
  [],
  [volume('data')],
  [volume('data', { sizeBytes: 5 * GiB })],
  [volume('data', { source: { kind: 'device', device: '/data2' } })],
  [volume('data', { exclusive: true, sizeBytes: GiB })],
  [volume('data', { readIops: 60 })],
  [volume('data'), volume('log', { sizeBytes: 6 * GiB, onRemove: 'delete' })],
  [volume('data', { exclusive: true }), volume('log', { exclusive: true, sizeBytes: GiB })],
  [volume('free', { sizeBytes: 0 }), volume('home', { source: { kind: 'host', path: '/srv' } })],
  [volume('share', { source: { kind: 'network', target: 'nfs://nas/share' } })],
);
