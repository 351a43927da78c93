import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreCheck } from '../../src/model/store-check.ts';
import { applyNow, type Container, type DockerCluster } from '../e2e/containers.ts';

/** What became of a cluster once nothing goes wrong any more. */
export interface Rest {
  /** Declared, and not running. */
  readonly lost: readonly string[];
  /** Two objects of one instance; a port or an address that two have; what runs and is not declared. */
  readonly doubled: readonly string[];
  readonly wrong: readonly string[];
  /** How many times `muster apply` had to be run. */
  readonly applies: number;
}

/** One finishes what was left and plans anew; more are for what is still away when the first one comes. */
const mostApplies = 4;
/** Longer than a lease lives, and than a gate waits. */
const runMs = 180_000;
const lookAgainMs = 500;

/**
 * Goes on until the plan is empty, by `muster apply` or by the `muster run` that is there already, and counts what the
 * daemon itself has and what is recorded.
 */
export async function atRest(
  cluster: DockerCluster,
  wanted: { readonly instances: readonly string[]; readonly by: 'apply' | 'run' },
): Promise<Rest> {
  const { applies, wrong } = wanted.by === 'apply' ? await applyUntilDone(cluster) : await waitUntilDone(cluster);
  const containers = await cluster.containers();
  return {
    lost: missingFrom(containers, wanted.instances),
    doubled: [...doubledIn(containers, wanted.instances), ...(await doubledInRecords(cluster))],
    wrong: [...wrong, ...(await unsound(cluster))],
    applies,
  };
}

interface Done {
  readonly applies: number;
  readonly wrong: readonly string[];
}

async function applyUntilDone(cluster: DockerCluster): Promise<Done> {
  for (let applies = 1; ; applies += 1) {
    // The lease of a dead leader runs out by itself.
    const { code, stderr } = await cluster.muster([...applyNow, '--lock-timeout', '60s']);
    if (code === 0) return { applies, wrong: await leftToDo(cluster) };
    if (applies === mostApplies) return { applies, wrong: [`apply ends with ${code}: ${stderr}`] };
  }
}

async function waitUntilDone(cluster: DockerCluster): Promise<Done> {
  const deadline = Date.now() + runMs;
  for (;;) {
    const left = await leftToDo(cluster);
    if (left.length === 0 || Date.now() > deadline) return { applies: 0, wrong: left };
    await sleep(lookAgainMs);
  }
}

async function leftToDo(cluster: DockerCluster): Promise<readonly string[]> {
  const { code, stdout, stderr } = await cluster.muster(['plan', '--detailed-exitcode']);
  const units = await cluster.muster(['unit', 'list']);
  return [
    ...(code === 0 && /^No changes\./m.test(stdout) ? [] : [`the plan is not empty (${code}): ${stdout}${stderr}`]),
    ...(units.stdout === 'No unit is in flight.\n' ? [] : [`left in flight: ${units.stdout}${units.stderr}`]),
  ];
}

const missingFrom = (containers: readonly Container[], wanted: readonly string[]): readonly string[] => {
  const running = new Set(containers.filter(({ state }) => state === 'running').map(({ instance }) => instance));
  return wanted.filter((instance) => !running.has(instance));
};

function doubledIn(containers: readonly Container[], wanted: readonly string[]): readonly string[] {
  const known = new Set(wanted);
  const names = containers.map(({ instance, generation, state }) => ({
    instance,
    text: `${instance}#${generation} (${state})`,
  }));
  const ports = containers.flatMap(({ ports: own }) => [...new Set(own)]);
  return [
    ...names.filter(({ instance }) => !known.has(instance)).map(({ text }) => `${text} is not declared`),
    ...[...new Set(twice(names.map(({ instance }) => instance)))].map(
      (instance) =>
        `${instance}: ${names.flatMap((name) => (name.instance === instance ? [name.text] : [])).join(' and ')}`,
    ),
    ...twice(ports).map((port) => `port ${port} is published twice`),
  ];
}

interface SnapshotRow {
  readonly id: string;
  readonly generation: number;
  readonly node: string;
  readonly holds: { readonly ports?: Readonly<Record<string, number>>; readonly ip?: string };
}

/** The same by what is recorded. */
async function doubledInRecords(cluster: DockerCluster): Promise<readonly string[]> {
  const { code, stdout, stderr } = await cluster.muster(['snapshot']);
  if (code !== 0) return [`cannot be counted: ${stderr}`];
  const { instances } = JSON.parse(stdout) as { readonly instances: readonly SnapshotRow[] };
  const held = instances.flatMap(({ node, holds: { ports = {}, ip } }) => [
    ...Object.values(ports).map((port) => `${node}:${port}`),
    ...(ip === undefined ? [] : [ip]),
  ]);
  return [
    ...twice(instances.map(({ id }) => id)).map((id) => `${id} has two allocations`),
    ...twice(held).map((address) => `${address} is given to two allocations`),
  ];
}

const twice = <T>(values: readonly T[]): readonly T[] =>
  values.filter((value, index) => values.indexOf(value) !== index);

async function unsound(cluster: DockerCluster): Promise<readonly string[]> {
  const { code, stdout, stderr } = await cluster.muster(['store', 'check', '-o', 'json']);
  if (code !== 0 && stdout === '') return [`store check: ${stderr}`];
  const { findings } = JSON.parse(stdout) as StoreCheck;
  return findings.map((found) => `store check: ${found.code} ${found.subject}: ${found.message}`);
}
