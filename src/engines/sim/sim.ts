import { setTimeout as delay } from 'node:timers/promises';
import { present } from '../../model/assert.ts';
import type { ForeignObject } from '../../model/observed.ts';
import { noResources, type Resources } from '../../model/resources.ts';
import type { ClusterScope, Engine } from '../engine.ts';
import { openSimEngine } from './engine.ts';
import { type CallFault, seededFaults } from './faults.ts';
import { type Machine, type SimOptions, vanish } from './machine.ts';
import { readFile, writeFile } from './volumes.ts';
import { end, type SimClock, type SimObject, type SimWorld } from './world.ts';

/** A simulated machine, and the levers that a test has on it. */
export interface Sim {
  /** An engine of this machine for one cluster; several may be open, as several runs of Muster would be. */
  open(cluster: ClusterScope): Engine;
  /** Everything that was created and is not removed, for a test to look at. */
  objects(): readonly Readonly<SimObject>[];
  /** The next `times` calls of this name go wrong in this way. */
  inject(fault: { readonly call: string; readonly fault: CallFault; readonly times: number }): void;
  /** While unreachable, every call fails at once, and programs go on. */
  setReachable(reachable: 'reachable' | 'unreachable'): void;
  /** The program ends with this code. */
  crash(objectId: string, options: { readonly exitCode: number }): void;
  /** The object is gone, as if removed by hand. */
  vanish(objectId: string): void;
  /** Something that is not Muster's. */
  addForeign(object: {
    readonly name: string;
    readonly resources?: Resources;
    readonly ports?: readonly number[];
    readonly addresses?: ForeignObject['addresses'];
  }): void;
  foreignNames(): readonly string[];
  /** Starts that need the port are refused, and no listing says why. */
  holdPort(port: number): void;
  /** A file as the program sees it; undefined when there is none. */
  readFile(objectId: string, path: string): string | undefined;
  /** As the program would; false where its volume is read-only. */
  writeFile(objectId: string, file: { readonly path: string; readonly text: string }): boolean;
}

/**
 * An engine in memory: the whole contract, with faults that a seed repeats. It passes the contract suite; `clock` may be a
 * simulation's own. `exec` answers commands; without it every command ends with 0 and no output.
 */
export function createSimEngine(options: SimOptions): Sim {
  const world: SimWorld = {
    node: options.node,
    clock: options.clock ?? systemClock,
    background: options.clock ?? backgroundClock,
    objects: new Map(),
    foreign: new Map(),
    heldPorts: new Set(),
    volumes: new Map(),
    listeners: new Set(),
  };
  const faults = seededFaults({ seed: options.seed, rates: options.faults ?? {} });
  const machine: Machine = { options, world, faults, reachable: 'reachable', pulled: new Set() };
  return {
    open: (cluster) => openSimEngine(machine, cluster),
    objects: () => [...world.objects.values()],
    inject: (fault) => faults.inject(fault),
    setReachable: (reachable) => {
      machine.reachable = reachable;
    },
    crash: (objectId, { exitCode }) => {
      const object = world.objects.get(objectId);
      if (object !== undefined) end(world, object, exitCode);
    },
    vanish: (objectId) => vanish(world, objectId),
    addForeign: ({ name, resources = noResources, ports = [], addresses = [] }) =>
      void world.foreign.set(name, { engine: options.kind, name, resources, ports, addresses }),
    holdPort: (port) => void world.heldPorts.add(port),
    foreignNames: () => [...world.foreign.keys()],
    readFile: (objectId, path) => readFile(world, objectOf(world, objectId), path),
    writeFile: (objectId, file) => writeFile(world, objectOf(world, objectId), file),
  };
}

const objectOf = (world: SimWorld, objectId: string): SimObject =>
  present(world.objects.get(objectId), `object ${objectId}`);

const sleepFor =
  (options: { readonly ref: boolean }): SimClock['sleep'] =>
  async (ms, signal) => {
    await delay(ms, undefined, { ...options, ...(signal !== undefined && { signal }) }).catch(() => undefined);
  };

const systemClock: SimClock = { now: () => Date.now(), sleep: sleepFor({ ref: true }) };
/** A program that restarts for ever must not keep the test that forgot it from ending. */
const backgroundClock: SimClock = { ...systemClock, sleep: sleepFor({ ref: false }) };
