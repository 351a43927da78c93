import type { AllocationId, InstanceId, WorkloadId } from '../../../src/model/ids.ts';
import { instanceId } from '../../../src/model/ids.ts';
import type { Step } from '../../../src/model/plan.ts';
import type { KeyValue } from '../../../src/store/store.ts';
import type { Observer, World } from '../world.ts';
import { journalEntry, type Mirror, serves } from './mirror.ts';

/** A look that a stop was admitted on is at most this old when the stop is journaled: no longer does a lease live unheard. */
const lookIsOldMs = { calm: 1_500, troubled: 12_000 } as const;
/** Faults by which a journal entry may be written long after its look. */
const troubles: ReadonlySet<string> = new Set([
  'storeAway',
  'storeSlow',
  'storeLoses',
  'storeFull',
  'pause',
  'engineFails',
  'engineAway',
]);

/**
 * Never are more instances of a workload unavailable because of us than may be, and nothing is stopped while the world has
 * taken more than that already. Counted over what is recorded and wanted, before the change and after it.
 */
export function budget({ scheduler, violated, desired, git, server, story }: World, mirror: Mirror): Observer {
  const oldMs = lookIsOldMs[story.faults.some(({ kind }) => troubles.has(kind)) ? 'troubled' : 'calm'];
  /** Since when (virtual ms) a recorded instance does not serve. */
  const downSince = new Map<InstanceId, number>();
  const downByUs = new Set<InstanceId>();
  let serving = new Set<InstanceId>();
  let read = desired();
  let wantedBefore = wantedOf(read);
  let wantedNow = wantedBefore;

  const wanted = (workload: WorkloadId): readonly InstanceId[] =>
    [...(wantedNow.get(workload) ?? [])].filter((id) => wantedBefore.get(workload)?.has(id) === true);
  /** Of the smaller of what is recorded and wanted, by the more generous of the two commits that may be in force. */
  const mayBeDown = (workload: WorkloadId): number => {
    const recorded = new Set(
      [...mirror.allocations.values()].filter(({ state }) => state !== 'reserved').map(instanceOf),
    );
    const bases = [wantedNow, wantedBefore].map((of) => [...(of.get(workload) ?? [])].filter((id) => recorded.has(id)));
    return Math.max(...bases.map((base) => allowed(base.length)));
  };

  const check = (): void => {
    serving = new Set(
      mirror
        .objects()
        .filter(serves)
        .map(({ instance }) => instance),
    );
    for (const instance of serving) {
      downSince.delete(instance);
      downByUs.delete(instance);
    }
    const recorded = new Set<InstanceId>();
    const { draining } = git();
    for (const { instance, state, node } of mirror.allocations.values()) {
      // What is stopped for good, or leaves with its node, is not missed.
      if (state === 'reserved' || state === 'held' || draining.has(node)) continue;
      recorded.add(instance);
      if (!serving.has(instance) && !downSince.has(instance)) downSince.set(instance, scheduler.now());
    }
    for (const instance of downSince.keys()) if (!recorded.has(instance)) downSince.delete(instance);
    if (desired() === read) return;
    read = desired();
    const next = wantedOf(read);
    if (!sameWanted(next, wantedNow)) {
      wantedBefore = wantedNow;
      wantedNow = next;
    }
  };

  /** The step that stopped it, where what it stops is to serve again. */
  const replacedBy = (allocation: AllocationId): Step | undefined => {
    const step = mirror.stoppedBy.get(allocation);
    return step?.kind === 'replace' || step?.kind === 'move' ? step : undefined;
  };

  // Nothing is begun while too many are down already, whoever took them.
  server.onCommit(({ changes }) => {
    for (const { key, entry } of changes) {
      const effect = entry !== undefined && key.includes('/journal/') ? startedStop(entry) : undefined;
      const step = effect === undefined ? undefined : replacedBy(effect);
      if (step === undefined || step.forced === true || step.order !== 'stop-first') continue;
      if (step.replaces?.object !== 'running' || !serving.has(step.instance)) continue;
      const workload = step.instance.slice(0, step.instance.lastIndexOf('/')) as WorkloadId;
      const base = wanted(workload);
      const others = base.filter(
        (id) => id !== step.instance && scheduler.now() - (downSince.get(id) ?? Number.POSITIVE_INFINITY) > oldMs,
      );
      if (others.length + 1 > mayBeDown(workload))
        violated('budget', `${step.instance} is stopped although ${others.join(', ')} are down already`);
    }
  });

  return {
    check,
    told: {
      landed: (_process, { node, call, subject }) => {
        if (call !== 'stop') return;
        const target = mirror.objects().find(({ node: at, object }) => at === node && object.objectId === subject);
        if (target === undefined || !serves(target)) return;
        const { instance, workload, allocation } = target;
        if (mirror.objects().some((other) => other.instance === instance && other !== target && serves(other))) return;
        const step = replacedBy(allocation);
        if (step === undefined || step.forced === true) return;
        downByUs.add(instance);
        const base = wanted(workload);
        const down = base.filter((id) => downByUs.has(id));
        if (base.includes(instance) && down.length > mayBeDown(workload))
          violated(
            'budget',
            `${down.join(', ')} of ${base.length} are down because of us, ${mayBeDown(workload)} may be`,
          );
      },
    },
  };
}

/** The 1-2-10 rule. */
const allowed = (base: number): number => (base < 5 ? 1 : base <= 20 ? 2 : Math.floor(base / 10));

const instanceOf = ({ instance }: { readonly instance: InstanceId }): InstanceId => instance;

type Wanted = ReadonlyMap<WorkloadId, ReadonlySet<InstanceId>>;

function wantedOf({ workloads, nodes }: ReturnType<World['desired']>): Wanted {
  return new Map(
    workloads.map(({ id, type, replicas }) => {
      const count = type === 'daemon' ? nodes.length : replicas;
      return [id, new Set(Array.from({ length: count }, (_, ordinal) => instanceId(id, ordinal)))];
    }),
  );
}

const sameWanted = (a: Wanted, b: Wanted): boolean =>
  a.size === b.size && [...a].every(([id, set]) => b.get(id)?.size === set.size);

function startedStop(entry: KeyValue): AllocationId | undefined {
  const event = journalEntry(entry);
  if (event.kind !== 'effectStarted' || event.effect.startsWith('undo:')) return undefined;
  const [what, allocation] = event.effect.split(':').slice(-2);
  return what === 'stop' ? (allocation as AllocationId) : undefined;
}
