import type { DesiredNode, NodeDrain, Taint } from '../model/desired.ts';
import { nodeName, podName } from '../model/ids.ts';
import { dimensionsOf, isExtended, type Resources } from '../model/resources.ts';
import { parseCores } from '../model/units.ts';
import { checkDocker, checkSshEndpoint } from './check-endpoint.ts';
import { toDisks, toNuma } from './normalise-hardware.ts';
import { amounts, sortedMap } from './normalise-resources.ts';
import { escapePointer } from './pointer.ts';
import { parseDeadline } from './quantity.ts';
import { quantity, type Reading, report, type Where } from './reading.ts';
import type { Node } from './schema-types.generated.ts';

type NodeSpec = Node['spec'];

export function toNode({ metadata, spec }: Node, reading: Reading): DesiredNode {
  return nodeOf({ name: metadata.name, labels: metadata.labels, spec, pointer: '/spec' }, reading);
}

/** A node from its parts; `pointer` is where the spec is in the document. */
export function nodeOf(
  node: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>> | undefined;
    readonly spec: NodeSpec;
    readonly pointer: string;
  },
  reading: Reading,
): DesiredNode {
  const { name, labels, spec, pointer } = node;
  const capacity = amounts(spec.capacity, { reading, pointer: `${pointer}/capacity` });
  const reserved = amounts(spec.reserved, { reading, pointer: `${pointer}/reserved` });
  checkReserved(capacity, reserved, { reading, pointer });
  const numa = toNuma(spec.capacity?.numa, capacity, { reading, pointer: `${pointer}/capacity` });
  const disks = toDisks(spec.capacity?.volumes, { reading, pointer: `${pointer}/capacity/volumes` });
  const drain = toDrain(spec.drain, { reading, pointer: `${pointer}/drain` });
  const engines = enginesOf(spec.engines, { reading, pointer: `${pointer}/engines` });
  return {
    name: nodeName(name),
    pod: podName(spec.pod),
    ...(spec.zone !== undefined && { zone: spec.zone }),
    ...(spec.rack !== undefined && { rack: spec.rack }),
    labels: sortedMap(labels),
    lifecycle: spec.lifecycle ?? 'online',
    engines,
    capacity,
    reserved: withoutZeros(reserved),
    ...(numa !== undefined && { numa }),
    ...(disks !== undefined && { disks }),
    overcommitCpuMilli: quantity(reading, parseOvercommit, {
      value: spec.overcommit?.cpu,
      pointer: `${pointer}/overcommit/cpu`,
      fallback: 1000,
    }),
    taints: sortTaints((spec.taints ?? []).map(toTaint)),
    portRange: portRangeOf(spec.ports?.range, { reading, pointer: `${pointer}/ports/range` }),
    portDomain: portDomainOf(name, engines),
    ...(drain !== undefined && { drain }),
  };
}

/** Undefined where it says nothing that is not so anyway. */
export function toDrain(drain: NodeSpec['drain'], { reading, pointer }: Where): NodeDrain | undefined {
  const deadline = quantity(reading, parseDeadline, {
    value: drain?.deadline,
    pointer: `${pointer}/deadline`,
    fallback: undefined,
  });
  const force = drain?.force ?? false;
  return deadline === undefined && !force ? undefined : { ...(deadline !== undefined && { deadline }), force };
}

export const toTaint = ({
  key,
  value = '',
  effect = 'NoSchedule',
}: NonNullable<NodeSpec['taints']>[number]): Taint => ({ key, value, effect });

export const sortTaints = (taints: readonly Taint[]): readonly Taint[] =>
  [...taints].sort((a, b) => (a.key === b.key ? (a.value < b.value ? -1 : 1) : a.key < b.key ? -1 : 1));

/** Engines that work on the machine that Muster runs on share its ports. */
export const portDomainOf = (name: string, engines: DesiredNode['engines']): string =>
  engines.process !== undefined || engines.docker?.endpoint.startsWith('unix://') === true ? 'localhost' : name;

export function enginesOf(
  { docker, process, systemd }: NodeSpec['engines'],
  { reading, pointer }: Where,
): DesiredNode['engines'] {
  if (docker !== undefined) checkDocker(docker, { reading, pointer: `${pointer}/docker` });
  if (systemd !== undefined) checkSshEndpoint(systemd.endpoint, { reading, pointer: `${pointer}/systemd/endpoint` });
  return {
    ...(docker !== undefined && {
      docker: {
        endpoint: docker.endpoint,
        ...(docker.publishAddress !== undefined && { publishAddress: docker.publishAddress }),
        ...(docker.tls !== undefined && { tls: { credential: docker.tls.credential } }),
        ...loginOf(docker),
      },
    }),
    ...(process !== undefined && {
      process: {
        endpoint: 'local:',
        publishAddress: process.publishAddress ?? '127.0.0.1',
        ...(process.root !== undefined && { root: process.root }),
      },
    }),
    ...(systemd !== undefined && {
      systemd: {
        endpoint: systemd.endpoint,
        ...(systemd.publishAddress !== undefined && { publishAddress: systemd.publishAddress }),
        ...loginOf(systemd),
        ...(systemd.sudo === true && { sudo: true }),
      },
    }),
  };
}

/** How a host is logged in to, and who it has to be. */
const loginOf = ({ hostKey, credential }: { readonly hostKey?: string; readonly credential?: string }) => ({
  ...(hostKey !== undefined && { hostKey }),
  ...(credential !== undefined && { credential }),
});

function parseOvercommit(input: string | number) {
  const parsed = parseCores(input);
  return parsed.ok ? parsed : ({ ok: false, reason: `${input} has more than three decimals` } as const);
}

function checkReserved(capacity: Resources, reserved: Resources, { reading, pointer }: Where): void {
  for (const dimension of dimensionsOf(capacity, reserved)) {
    const most = capacity[dimension];
    if (most === undefined || (reserved[dimension] ?? 0) <= most) continue;
    const message = `more ${documentKey(dimension)} is reserved than the node has`;
    report(reading, { code: 'MUS1320', pointer: `${pointer}/reserved/${placeOf(dimension)}`, message });
  }
}

/** How documents call a base dimension: `cpuMillis` → `cpu`. */
const documentKey = (dimension: string): string => dimension.replace(/(?:Millis|Bytes|Bits)$/, '');

const placeOf = (dimension: string): string =>
  isExtended(dimension) ? `extended/${escapePointer(dimension)}` : documentKey(dimension);

const withoutZeros = (resources: Resources): Resources =>
  Object.fromEntries(Object.entries(resources).filter(([, amount]) => amount !== 0)) as Resources;

const defaultPortRange = { first: 20_000, last: 29_999 } as const;

function portRangeOf(text: string | undefined, { reading, pointer }: Where): DesiredNode['portRange'] {
  if (text === undefined) return defaultPortRange;
  const [first = 0, last = 0] = text.split('-').map(Number);
  if (first >= 1 && first <= last && last <= 65_535) return { first, last };
  report(reading, {
    code: 'MUS1320',
    pointer,
    message: 'the port range is empty or outside of 1 to 65535',
    found: text,
    allowed: ['FIRST-LAST, such as 20000-29999'],
  });
  return defaultPortRange;
}
