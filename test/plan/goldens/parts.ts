import type { DesiredNode, Placement } from '../../../src/model/desired.ts';
import type { WorkloadId } from '../../../src/model/ids.ts';
import type { Revision } from '../../../src/model/revision.ts';
import type { PlanInputs } from '../../../src/plan/inputs.ts';
import { GiB, node, podName, type Running, revision, spread, withRunning, workload, world } from '../world.ts';

/** A world, and what the planner is asked about it, by the promise that its golden file shows. */
export type Cases = Readonly<Record<string, () => PlanInputs>>;

export const app = 'payments/checkout';
export const db = 'payments/db' as WorkloadId;
export const { placement, update } = workload(app);

export const placed = (change: Partial<Placement>): { readonly placement: Placement } => ({
  placement: { ...placement, ...change },
});

/** So many instances of `payments/checkout`, on n1 and n2 in turn. */
export const running = (count: number): readonly Running[] => spread(app, count, ['n1', 'n2']);

export const withPort = (publish: 'auto' | number, change: Partial<Revision> = {}): Revision =>
  revision({ ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish }], ...change });

export const newer = revision({ image: 'registry.local/app@sha256:02', env: { LOG_LEVEL: 'debug' } });

/** Asks for so much instead of half a core and 1 GiB. */
export const asking = (resources: Partial<Revision['resources']>, change: Partial<Revision> = {}): Revision =>
  revision({ resources: { ...revision().resources, ...resources }, ...change });

export const big = asking({ memoryBytes: 10 * GiB });

export const bound = (cpuMillis: number, numa: 'require' | 'prefer' | 'none' = 'none'): Revision =>
  asking({ cpuMillis }, { cpu: { bind: true, numa } });

type Volume = NonNullable<Revision['volumes']>[number];

export const volume = (name: string, sizeBytes: number, change: Partial<Volume> = {}): Volume => ({
  name,
  mount: `/${name}`,
  sizeBytes,
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

export const network = {
  name: 'prod',
  subnet: '10.1.0.0/29',
  gateway: '10.1.0.1',
  pools: [{ name: 'web', first: '10.1.0.4', last: '10.1.0.5' }],
};

export const ssd: Partial<DesiredNode> = { labels: { disk: 'ssd' } };

/** Two sockets, two disks and two GPUs. */
export const large: Partial<DesiredNode> = {
  zone: 'a',
  capacity: { cpuMillis: 8000, memoryBytes: 32 * GiB, storageBytes: 100 * GiB, 'gpu/a100': 2000 },
  numa: [
    { cpus: [0, 1, 2, 3], memoryBytes: 16 * GiB },
    { cpus: [4, 5, 6, 7], memoryBytes: 16 * GiB },
  ],
  disks: [
    { device: '/data1', sizeBytes: 100 * GiB },
    { device: '/data2', sizeBytes: 50 * GiB },
  ],
};

/** One node and one workload of one instance. */
export const onOne = (revised: Revision, change: Partial<DesiredNode> = {}): PlanInputs =>
  world({
    nodes: [node('n1', change)],
    networks: [network],
    workloads: [workload(app, { replicas: 1, revision: revised })],
  });

/** The same with a predecessor that runs, of another revision. */
export function changed(
  { before, after }: { readonly before: Revision; readonly after: Revision },
  of: {
    readonly node?: Partial<DesiredNode>;
    readonly holds?: Running['holds'];
    readonly workload?: Parameters<typeof workload>[1];
    readonly liveFields?: readonly string[];
  } = {},
): PlanInputs {
  const inputs = withRunning(
    world({
      nodes: [node('n1', of.node)],
      networks: [network],
      workloads: [workload(app, { replicas: 1, hash: 'r2', revision: after, ...of.workload })],
    }),
    spread(app, 1, ['n1'], { ...(of.holds && { holds: of.holds }) }),
    { revisions: { r1: before } },
  );
  return of.liveFields === undefined ? inputs : { ...inputs, liveFields: { docker: of.liveFields } };
}

export const inPod = (name: string): Partial<DesiredNode> => ({ pod: podName(name) });
