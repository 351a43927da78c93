import type { SimObject } from '../../src/engines/sim/world.ts';
import type { Desired, DesiredWorkload } from '../../src/model/desired.ts';
import { nodeName } from '../../src/model/ids.ts';
import type { HealthCheck } from '../../src/model/revision.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';

/** Worlds that several tests of this folder use. */
export const nodes = ['n1', 'n2', 'n3'];

/** Answered by the `exec` that the bench is opened with. */
export const checked: HealthCheck = {
  probe: { kind: 'exec', command: ['check'] },
  intervalMs: 200,
  timeoutMs: 1_000,
  healthyAfter: 2,
  unhealthyAfter: 2,
};

/** Three checked instances of a version; `env` is what the check sees. */
export function web(
  version: string,
  options: { readonly replicas?: number; readonly env?: Readonly<Record<string, string>> } & Partial<
    Pick<DesiredWorkload, 'update' | 'after'>
  > = {},
): DesiredWorkload {
  const { replicas = 3, env = {}, ...fields } = options;
  return workloadOf('web', {
    replicas,
    version,
    revision: { health: checked, env: { VERSION: version, ...env } },
    ...fields,
  });
}

export const only = (...workloads: readonly DesiredWorkload[]): Desired => desiredOf(nodes, workloads);

/** A bench whose check fails for `BROKEN=yes`. */
export async function openWeb(t: { after(clean: () => Promise<void>): void }): Promise<Bench> {
  const bench = await openBench(nodes, {
    exec: (environment) =>
      environment['BROKEN'] === 'yes' ? { exitCode: 1, output: 'not well' } : { exitCode: 0, output: '' },
  });
  t.after(() => bench.close());
  return bench;
}

export const objectsOf = (bench: Bench): readonly Readonly<SimObject>[] =>
  [...bench.sims.values()].flatMap((sim) => sim.objects());

/** `web/0 1 running`, sorted: what runs where nothing is doubled. */
export const running = (bench: Bench): readonly string[] =>
  objectsOf(bench)
    .map(
      ({ name, revision, state }) =>
        `${name.split('.').slice(2, 4).join('/')} ${revision.env['VERSION'] ?? '-'} ${state}`,
    )
    .sort();

export function simOf(bench: Bench, node: string) {
  const sim = bench.sims.get(nodeName(node));
  if (sim === undefined) throw new Error(`no node ${node}`);
  return sim;
}

/** The simulated machine that an instance's object is on. */
export function holderOf(bench: Bench, instance: string) {
  for (const sim of bench.sims.values()) {
    const object = sim.objects().find(({ name }) => name.includes(`.${instance.replaceAll('/', '.')}.`));
    if (object !== undefined) return { sim, object };
  }
  throw new Error(`${instance} has no object`);
}

/** Nodes whose instances run on more cpu than they have now, though the engine would let them: `n1: 1500 of 1000`. */
export function overloaded(bench: Bench, { nodes }: Desired): readonly string[] {
  return nodes.flatMap(({ name, capacity: { cpuMillis = Number.POSITIVE_INFINITY } }) => {
    const objects = simOf(bench, name).objects();
    const used = objects
      .filter(({ state }) => state === 'running')
      .reduce((sum, { holds }) => sum + holds.cpuMillis, 0);
    return used > cpuMillis ? [`${name}: ${used} of ${cpuMillis}`] : [];
  });
}
