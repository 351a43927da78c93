import type { SimObject } from '../../../src/engines/sim/world.ts';
import {
  type AllocationId,
  type InstanceId,
  parseAllocationId,
  type RunId,
  type UnitId,
  type WorkloadId,
  workloadOfUnit,
} from '../../../src/model/ids.ts';
import type { Step } from '../../../src/model/plan.ts';
import type { Allocation, RecordedWorkload } from '../../../src/model/recorded.ts';
import type { JournalEntry } from '../../../src/reconcile/journal.ts';
import type { UnitRecord } from '../../../src/reconcile/unit.ts';
import { parseAllocationKey, parseUnitKey, prefixes } from '../../../src/store/keys.ts';
import { decodeAllocation, decodeWorkload } from '../../../src/store/recorded.ts';
import type { KeyValue } from '../../../src/store/store.ts';
import type { World } from '../world.ts';

/** One unit of one run, as the store knows it. */
export interface MirroredUnit {
  readonly run: RunId;
  readonly unit: UnitId;
  readonly record: UnitRecord;
  state: string;
  readonly settled: Set<string>;
  /** Steps that an operator left as they were. */
  readonly left: Set<string>;
  /** Steps that have begun. */
  readonly begun: Set<string>;
  /** A newer commit has taken over: what had not begun by then is never done. */
  superseded: boolean;
}

/** The store's records, decoded as they are written, and what runs: what the promises are checked on. */
export interface Mirror {
  readonly allocations: ReadonlyMap<AllocationId, Allocation>;
  readonly workloads: ReadonlyMap<WorkloadId, RecordedWorkload>;
  readonly units: ReadonlyMap<string, MirroredUnit>;
  /** Workloads of which an operator has left something half done. */
  readonly abandoned: ReadonlySet<WorkloadId>;
  /** Effects that were ever journaled as started: `create default/web/0#3`, undo effects by what they do. */
  readonly started: ReadonlySet<string>;
  /** The step that stopped an allocation last, on its way there or back; one of an abandoned unit may name what another stops. */
  readonly stoppedBy: ReadonlyMap<AllocationId, Step>;
  /** Everything on the machines that is there now. */
  objects(): readonly Placed[];
}

export interface Placed {
  readonly node: string;
  readonly allocation: AllocationId;
  readonly instance: InstanceId;
  readonly workload: WorkloadId;
  readonly object: Readonly<SimObject>;
}

export function createMirror({ server, machines, scheduler }: World): Mirror {
  const allocations = new Map<AllocationId, Allocation>();
  const workloads = new Map<WorkloadId, RecordedWorkload>();
  const units = new Map<string, MirroredUnit>();
  const abandoned = new Set<WorkloadId>();
  const started = new Set<string>();
  const stoppedBy = new Map<AllocationId, Step>();
  server.onCommit(({ changes }) => {
    for (const { key, entry } of changes) {
      if (key.startsWith(prefixes.allocations)) {
        const id = parseAllocationKey(key)?.id;
        if (entry !== undefined) allocations.set(decoded(entry).id, decoded(entry));
        else if (id !== undefined) allocations.delete(id);
      } else if (key.startsWith(prefixes.workloads) && entry !== undefined) {
        workloads.set(key.slice(prefixes.workloads.length) as WorkloadId, decodeWorkload(entry));
      } else if (key.startsWith(prefixes.zombies) && entry !== undefined) {
        const allocation = key.slice(prefixes.zombies.length).replace(/\/(\d+)$/, '#$1');
        for (const call of ['stop', 'remove']) started.add(`${call} ${allocation}`);
      } else if (key.startsWith(prefixes.runs)) followUnit(key, entry);
    }
  });

  const followUnit = (key: string, entry: KeyValue | undefined): void => {
    const part = parseUnitKey(key);
    if (part === undefined) return;
    const { run, unit, kind } = part;
    const name = `${run} ${unit}`;
    if (entry === undefined) {
      if (kind === 'status') units.delete(name);
      return;
    }
    if (kind === 'status') {
      const { state } = JSON.parse(entry.value) as { readonly state: string };
      const known = units.get(name);
      if (known !== undefined) known.state = state;
      else {
        const chunks = server.range(prefixes.unitPlan(run, unit)).entries.map((entry) => entry.value);
        if (chunks.length === 0) return;
        units.set(name, {
          run,
          unit,
          record: JSON.parse(chunks.join('')) as UnitRecord,
          state,
          settled: new Set(),
          left: new Set(),
          begun: new Set(),
          superseded: false,
        });
      }
    }
    if (kind === 'journal') {
      const event = journalEntry(entry);
      if (event.kind === 'effectStarted') {
        started.add(doneBy(event.effect));
        units.get(name)?.begun.add(stepOf(event.effect));
        followStop(name, event.effect);
      }
      const unit = units.get(name);
      if (event.kind === 'superseded' && unit !== undefined) unit.superseded = true;
      if (event.kind === 'stepLeft') unit?.left.add(event.step);
      if (event.kind === 'stepLeft' || event.kind === 'abandoned') abandoned.add(workloadOfUnit(part.unit));
      if (event.kind === 'stepSettled') units.get(name)?.settled.add(event.step);
    }
  };

  const followStop = (unit: string, effect: string): void => {
    const [call, allocation] = doneBy(effect).split(' ');
    const step = units.get(unit)?.record.steps.find(({ id }) => id === stepOf(effect));
    if (call === 'stop' && step !== undefined) stoppedBy.set(allocation as AllocationId, step);
  };

  /** Where and whose an object is never changes. */
  const known = new WeakMap<Readonly<SimObject>, Placed>();
  const placedOf = (node: string, object: Readonly<SimObject>): Placed => {
    const before = known.get(object);
    if (before !== undefined) return before;
    const placing = placed(node, object);
    known.set(object, placing);
    return placing;
  };

  let seenAt = -1;
  let seen: readonly Placed[] = [];
  return {
    allocations,
    workloads,
    units,
    abandoned,
    started,
    stoppedBy,
    objects: () => {
      // What is there changes with events only.
      if (seenAt === scheduler.events()) return seen;
      seenAt = scheduler.events();
      const there: Placed[] = [];
      for (const { node, sim } of machines.values())
        for (const object of sim.objects()) there.push(placedOf(node, object));
      seen = there;
      return seen;
    },
  };
}

const readOnce = <T>(read: (entry: KeyValue) => T): ((entry: KeyValue) => T) => {
  const known = new WeakMap<KeyValue, T>();
  return (entry) => {
    const value = known.get(entry) ?? read(entry);
    known.set(entry, value);
    return value;
  };
};

/** Every promise reads the same entries. */
export const decoded = readOnce((entry): Allocation => decodeAllocation(entry, (text) => text));
export const journalEntry = readOnce((entry) => JSON.parse(entry.value) as JournalEntry);

function placed(node: string, object: Readonly<SimObject>): Placed {
  const { allocation } = object.request;
  const { instance, workload } = parseAllocationId(allocation);
  return { node, allocation, instance, workload, object };
}

const inverse: Readonly<Record<string, string>> = {
  create: 'remove',
  start: 'stop',
  stop: 'start',
  update: 'update',
  reserve: 'release',
};

/** `undo:s1:create:…` → `s1` */
const stepOf = (effect: string): string => effect.replace(/^undo:/, '').split(':')[0] ?? '';

/** `s1:create:default/web/0#3` → `create default/web/0#3`; `undo:s1:create:…` → `remove …` */
function doneBy(effect: string): string {
  const isUndo = effect.startsWith('undo:');
  const [kind = '', allocation = ''] = effect.split(':').slice(-2);
  return `${isUndo ? (inverse[kind] ?? kind) : kind} ${allocation}`;
}

/** A program that serves: it runs, and is not a bad one. */
export const serves = ({ object }: Placed): boolean =>
  object.state === 'running' && object.revision.env['QUALITY'] !== 'bad';
