import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import type { EngineEndpoint } from '../../model/desired.ts';
import type { ForeignObject, ObservedObject } from '../../model/observed.ts';
import { resourcesOf } from '../../model/recorded.ts';
import { noResources } from '../../model/resources.ts';
import type { ClusterScope, EngineInfo, EngineListing, Whose } from '../engine.ts';
import { readState } from './folder.ts';
import { findObject, type StoredObject, storedObjects } from './objects.ts';
import { listeningPorts } from './ports.ts';
import { objectState, observedObject, portsOf } from './translate.ts';

/** Where one process node keeps its objects, and whose they are. */
export interface ProcessNode {
  readonly root: string;
  /** Roots of this cluster's other nodes on this machine: what they listen on is not foreign. */
  readonly siblingRoots: readonly string[];
  readonly cluster: ClusterScope;
  readonly endpoint: EngineEndpoint;
  /** Size at which an object's log file is rotated; two are kept. */
  readonly logBytes: number;
}

export function listObjects(node: ProcessNode, whose: Whose): EngineListing {
  const { ours, others } = storedObjects(node.root, node.cluster, whose);
  const foreign: ForeignObject[] = others.map(({ name, spec }) => {
    const runs = spec !== undefined && objectState(readState(`${node.root}/${name}`)) === 'running';
    return { engine: 'process', name, resources: runs ? resourcesOf(spec.holds) : noResources, ports: [] };
  });
  const siblings = node.siblingRoots.flatMap((root) => storedObjects(root, node.cluster, whose).ours);
  const sockets = foreignPorts([...ours, ...siblings]);
  if (sockets.length > 0)
    foreign.push({ engine: 'process', name: 'listening sockets', resources: noResources, ports: sockets });
  return { objects: ours.map((object) => observe(object, node)), foreign };
}

export function observeObject(node: ProcessNode, objectId: string): ObservedObject | undefined {
  const object = findObject(node.root, node.cluster, objectId);
  return object && observe(object, node);
}

/** Creates the root when it is not there yet, since its identity is part of the fingerprint. */
export function probe(node: ProcessNode): EngineInfo {
  mkdirSync(node.root, { recursive: true, mode: 0o700 });
  const { ino, birthtimeMs } = statSync(node.root);
  const disk = statfsSync(node.root);
  const identity = [machineId(), ino, Math.trunc(birthtimeMs)].join('\n');
  return {
    version: `node ${process.versions.node}`,
    fingerprint: createHash('sha256').update(identity).digest('hex').slice(0, 16),
    capacity: {
      cpuMillis: (cpus().length || availableParallelism()) * 1000,
      memoryBytes: totalmem(),
      storageBytes: disk.blocks * disk.bsize,
    },
  };
}

const observe = ({ name, folder, spec }: StoredObject, node: ProcessNode): ObservedObject =>
  observedObject({ name, spec, state: readState(folder), endpoint: node.endpoint });

/** Ports that something listens on that is not a running object of this cluster. */
function foreignPorts(ours: readonly StoredObject[]): readonly number[] {
  const running = ours.filter(({ folder }) => objectState(readState(folder)) === 'running');
  const known = new Set(running.flatMap(({ spec }) => Object.values(portsOf(spec))));
  return listeningPorts('tcp').filter((port) => !known.has(port));
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return hostname();
  }
}
