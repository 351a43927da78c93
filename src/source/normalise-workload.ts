import { createHash } from 'node:crypto';
import type { DesiredWorkload, UpdatePolicy } from '../model/desired.ts';
import { canonicalJson } from '../model/hash.ts';
import { namespaceName, revisionHash, transactionId, workloadId } from '../model/ids.ts';
import {
  type Hooks,
  onlinePriority,
  type Revision,
  type RevisionNetwork,
  type RevisionPort,
  type RevisionResources,
} from '../model/revision.ts';
import {
  type Parsed,
  parseBytes,
  parseCores,
  parseCountOrPercent,
  parseDuration,
  parsePiecesAsked,
} from '../model/units.ts';
import { toCpu } from './normalise-cpu.ts';
import { toDockerOptions } from './normalise-docker.ts';
import { toFiles } from './normalise-files.ts';
import { healthOf } from './normalise-health.ts';
import { toPlacement } from './normalise-placement.ts';
import { amounts, extendedOf, sortedMap } from './normalise-resources.ts';
import { toVolumes } from './normalise-volumes.ts';
import { orUnlimited, orWord, parseIp, parsePriority, parsePublish } from './quantity.ts';
import { quantity, type Reading, report, workloadIdOf } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';

type Spec = Workload['spec'];

/** The namespace of a workload that names none. */
export const defaultNamespace = 'default';

export function toWorkload({ metadata, spec }: Workload, reading: Reading): DesiredWorkload {
  const namespace = metadata.namespace ?? defaultNamespace;
  const revision = toRevision(spec, reading);
  if (spec.type === 'daemon' && spec.replicas !== undefined) {
    const message = 'a daemon runs once on every matching node: replicas means nothing here';
    report(reading, {
      code: 'MUS1320',
      pointer: '/spec/replicas',
      target: 'key',
      message,
      hint: 'remove replicas, or use another type',
    });
  }
  return {
    id: workloadId(namespace, metadata.name),
    namespace: namespaceName(namespace),
    name: metadata.name,
    labels: sortedMap(metadata.labels),
    type: spec.type ?? 'stateless',
    replicas: spec.replicas ?? 1,
    revisionHash: revisionHash(createHash('sha256').update(canonicalJson(revision)).digest('hex').slice(0, 16)),
    revision,
    after: [...new Set((spec.after ?? []).map((reference) => workloadIdOf(reference, namespace)))].sort(),
    ...(spec.transaction !== undefined && { transaction: transactionId(namespace, spec.transaction) }),
    placement: toPlacement(spec.placement, { reading, namespace }),
    update: toUpdate(spec.update, reading),
    maxUnavailable: quantity(reading, orWord('policy', 'quorum'), {
      value: spec.disruption?.maxUnavailable,
      pointer: '/spec/disruption/maxUnavailable',
      fallback: { kind: 'policy' } as const,
    }),
    // `fence` comes later and is refused before this.
    onLost: (spec.onLost ?? 'auto') as DesiredWorkload['onLost'],
    priority: quantity(reading, parsePriority, {
      value: spec.priority,
      pointer: '/spec/priority',
      fallback: onlinePriority,
    }),
    ...(spec.preemption === 'lower' && { preemption: spec.preemption }),
    declaredAt: `${reading.document.file}:${reading.document.line}`,
  };
}

function toRevision(spec: Spec, reading: Reading): Revision {
  const resources = toRevisionResources(spec, reading);
  const ports = (spec.ports ?? []).map((port, index) => toPort(port, { index, spec, reading }));
  const health = healthOf(spec.health, { ports, reading });
  const limits = toLimits(spec.limits, resources, reading);
  const cpu = toCpu(spec.cpu, resources, { reading, limits });
  const volumes = toVolumes(spec.volumes, reading);
  const options = toOptions(spec, reading);
  const files = toFiles(spec.files);
  const hooks = toHooks(spec.hooks, reading);
  return {
    // libvirt comes later and is refused before this.
    engine: spec.engine ?? 'docker',
    ...(spec.image !== undefined && { image: spec.image }),
    command: spec.command ?? [],
    args: spec.args ?? [],
    // Secrets come later and are refused before this; scalars are taken as text.
    env: sortedMap(Object.fromEntries(Object.entries(spec.env ?? {}).map(([name, value]) => [name, String(value)]))),
    resources,
    limits,
    ...(cpu !== undefined && { cpu }),
    ...(volumes !== undefined && { volumes }),
    ...(spec.network !== undefined && { network: toNetworkUse(spec.network, spec.type, reading) }),
    ...(files !== undefined && { files }),
    ports: sortPorts(ports),
    ...(health !== undefined && { health }),
    stop: toStop(spec.stop, reading),
    ...(hooks !== undefined && { hooks }),
    restart: spec.restart ?? 'on-failure',
    ...weightOf(spec),
    ...(options !== undefined && { options }),
  };
}

/** What has a cap and says nothing of what it reserves, reserves the cap: an instance that is let grow so far has the room. */
function toRevisionResources({ resources, limits }: Spec, reading: Reading): RevisionResources {
  const reserved = amounts(resources, { reading, pointer: '/spec/resources' });
  const pieces = extendedOf(resources, parsePiecesAsked, { reading, pointer: '/spec/resources' });
  const extended = Object.entries(pieces).filter(([, milli]) => milli > 0);
  return {
    cpuMillis: reserved.cpuMillis ?? capOf(limits?.cpu, parseCores),
    memoryBytes: reserved.memoryBytes ?? capOf(limits?.memory, parseBytes),
    storageBytes: reserved.storageBytes ?? 0,
    bandwidthBits: reserved.bandwidthBits ?? 0,
    extended: Object.fromEntries(extended),
  };
}

/** Nothing for `unlimited`, and for what is told as a mistake where the limits are read. */
function capOf(limit: string | number | undefined, parse: (input: string | number) => Parsed<number>): number {
  const cap = limit === undefined ? undefined : parse(limit);
  return cap?.ok === true ? cap.value : 0;
}

/** A cap is what is reserved unless it is given; what reserves nothing has no cap. */
function toLimits(limits: Spec['limits'], resources: RevisionResources, reading: Reading): Revision['limits'] {
  const cap = (key: 'cpu' | 'memory', parse: (input: string | number) => Parsed<number>, reserved: number) => {
    const pointer = `/spec/limits/${key}`;
    const fallback = reserved === 0 ? ('unlimited' as const) : reserved;
    const limit = quantity(reading, orUnlimited(parse), { value: limits?.[key], pointer, fallback });
    if (limit !== 'unlimited' && limit < reserved) {
      report(reading, {
        code: 'MUS1320',
        pointer,
        message: `the ${key} limit is less than what is reserved`,
        found: String(limits?.[key]),
        hint: 'raise the limit or lower resources',
      });
    }
    return limit;
  };
  return {
    cpuMillis: cap('cpu', parseCores, resources.cpuMillis),
    memoryBytes: cap('memory', parseBytes, resources.memoryBytes),
  };
}

/** Where the address is part of who an instance is, it keeps it. */
function toNetworkUse(network: NonNullable<Spec['network']>, type: Spec['type'], reading: Reading): RevisionNetwork {
  const fallback = type === 'stateful' || type === 'static' ? 'keep' : 'pool';
  return {
    name: network.name,
    ip: quantity(reading, parseIp, { value: network.ip, pointer: '/spec/network/ip', fallback }),
    ...(network.pool !== undefined && { pool: network.pool }),
  };
}

function toPort(
  port: NonNullable<Spec['ports']>[number],
  { index, spec, reading }: { readonly index: number; readonly spec: Spec; readonly reading: Reading },
): RevisionPort {
  return {
    name: port.name,
    port: port.port,
    protocol: port.protocol ?? 'tcp',
    publish: quantity(reading, parsePublish, {
      value: port.publish,
      pointer: `/spec/ports/${index}/publish`,
      fallback: publishedByDefault(port.port, spec),
    }),
  };
}

/** On the host's network a program that is told nothing listens on its own port; without a network nobody reaches it. */
function publishedByDefault(port: number, { docker }: Spec): RevisionPort['publish'] {
  if (docker?.network === 'host') return port;
  return docker?.network === 'none' ? 'none' : 'auto';
}

const sortPorts = (ports: readonly RevisionPort[]): readonly RevisionPort[] =>
  [...ports].sort((a, b) => (a.name < b.name ? -1 : 1));

function toStop(stop: Spec['stop'], reading: Reading): Revision['stop'] {
  return {
    signal: stop?.signal ?? 'SIGTERM',
    graceMs: quantity(reading, parseDuration, { value: stop?.grace, pointer: '/spec/stop/grace', fallback: 30_000 }),
    delayMs: quantity(reading, parseDuration, { value: stop?.delay, pointer: '/spec/stop/delay', fallback: 0 }),
  };
}

/** Undefined where there are none, so that an empty block is no other revision than none. */
function toHooks(hooks: Spec['hooks'], reading: Reading): Revision['hooks'] {
  const hook = (name: 'afterStart' | 'beforeStop'): Hooks => {
    const declared = hooks?.[name];
    if (declared === undefined) return {};
    const pointer = `/spec/hooks/${name}/timeout`;
    const timeoutMs = quantity(reading, parseDuration, { value: declared.timeout, pointer, fallback: 30_000 });
    return { [name]: { command: declared.command, timeoutMs } };
  };
  const all = { ...hook('afterStart'), ...hook('beforeStop') };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** The engine's own block without its defaults, so that writing a default out changes no revision. */
function toOptions({ docker, process, systemd }: Spec, reading: Reading): Revision['options'] {
  const options = {
    ...(docker !== undefined && toDockerOptions(docker, reading)),
    ...(process?.cwd !== undefined && { cwd: process.cwd }),
    ...(systemd?.user !== undefined && { user: systemd.user }),
    ...(systemd?.workingDir !== undefined && { workingDir: systemd.workingDir }),
    ...(systemd?.tasks !== undefined && { tasks: systemd.tasks }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

/** A part of the revision only where an engine weighs by it: elsewhere it changes nothing of what runs. */
function weightOf({ engine = 'docker', priority = onlinePriority }: Spec): Pick<Revision, 'priority'> {
  const parsed = parsePriority(priority);
  return engine === 'docker' && parsed.ok && parsed.value !== onlinePriority ? { priority: parsed.value } : {};
}

const everything = { kind: 'percent', percent: 100 } as const;

function toUpdate(update: Spec['update'], reading: Reading): UpdatePolicy {
  const groups = (update?.groups ?? ['100%']).map((value, index) =>
    quantity(reading, parseCountOrPercent, { value, pointer: `/spec/update/groups/${index}`, fallback: everything }),
  );
  const last = groups.at(-1);
  const reachesAll = last?.kind === 'percent' && last.percent === 100;
  return {
    groups: reachesAll ? groups : [...groups, everything],
    observeMs: quantity(reading, parseDuration, {
      value: update?.observe,
      pointer: '/spec/update/observe',
      fallback: 0,
    }),
    order: update?.order ?? 'auto',
    maxSurge: quantity(reading, orWord('policy'), {
      value: update?.maxSurge,
      pointer: '/spec/update/maxSurge',
      fallback: { kind: 'policy' } as const,
    }),
    healthyDeadlineMs: quantity(reading, parseDuration, {
      value: update?.healthyDeadline,
      pointer: '/spec/update/healthyDeadline',
      fallback: 300_000,
    }),
  };
}
