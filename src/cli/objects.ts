import type { Engine, EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import {
  type ClusterUid,
  type EngineKind,
  type InstanceId,
  type NodeName,
  parseAllocationId,
  type WorkloadId,
} from '../model/ids.ts';
import type { Allocation } from '../model/recorded.ts';
import { lookAtNodes } from '../reconcile/observe.ts';
import { loadRecorded } from '../store/recorded.ts';
import { type Place, requireDesired } from './config.ts';
import { loadEngineCredentials } from './credentials.ts';
import { CliError } from './exit.ts';
import { unknownName } from './names.ts';
import type { Terminal } from './terminal.ts';
import { enginesOf, openForReading, type StoreFlags } from './world.ts';

/** An instance, or all of a workload. */
export type Subject =
  | { readonly kind: 'instance'; readonly id: InstanceId; readonly workload: WorkloadId }
  | { readonly kind: 'workload'; readonly workload: WorkloadId };

/** `namespace/workload/ordinal` or `namespace/workload`. */
export function subjectOf(text: string): Subject {
  const parts = text.split('/');
  const workload = parts.slice(0, 2).join('/') as WorkloadId;
  if (parts.length === 2 && parts.every((part) => part !== '')) return { kind: 'workload', workload };
  if (parts.length === 3 && /^(0|[1-9]\d*)$/.test(parts[2] ?? ''))
    return { kind: 'instance', id: text as InstanceId, workload };
  throw new CliError(`${text} is neither an instance nor a workload`, {
    hint: 'For example: payments/checkout/3, or payments/checkout for all of its instances.',
  });
}

/** What stands for an instance on an engine. */
export interface InstanceObject {
  readonly instance: InstanceId;
  readonly node: NodeName;
  readonly objectId: string;
  /** Rejects with `EngineError` where there is none: git does not declare the node any more. */
  readonly engine: () => Promise<Engine>;
}

export interface LookFlags extends StoreFlags {
  /** The engines are asked who runs where: the store may be dead. */
  readonly from?: 'engines';
}

/**
 * Finds the objects of a subject, by ordinal, and hands them to `use`; engines are closed after it. Of several
 * incarnations the newest that lives is meant. Throws `CliError` where there is none.
 */
export async function withObjects<Result>(
  subject: Subject,
  { place, flags, terminal }: { readonly place: Place; readonly flags: LookFlags; readonly terminal: Terminal },
  use: (objects: readonly InstanceObject[]) => Promise<Result>,
): Promise<Result> {
  const desired = await requireDesired(place, terminal);
  const { found, engines } =
    flags.from === 'engines'
      ? await findOnEngines(subject, place, desired)
      : await findRecorded(subject, place, desired, flags);
  try {
    return await use(
      found.map(({ instance, node, kind, objectId }) => ({
        instance,
        node,
        objectId,
        engine: () => engines.engineOf(node, kind),
      })),
    );
  } finally {
    await engines.close();
  }
}

interface Found {
  readonly instance: InstanceId;
  readonly ordinal: number;
  readonly generation: number;
  readonly isLive: boolean;
  readonly node: NodeName;
  readonly kind: EngineKind;
  readonly objectId: string;
  /** Whose it says it is; the records are of one cluster. */
  readonly uid?: ClusterUid;
}

interface FoundOn {
  readonly found: readonly Found[];
  readonly engines: EngineDirectory;
}

async function findRecorded(subject: Subject, place: Place, desired: Desired, flags: StoreFlags): Promise<FoundOn> {
  const store = await openForReading(place, desired, flags);
  try {
    const { identity, allocations } = await loadRecorded(store);
    const made = allocations.flatMap(ofAllocation);
    const found = chosen(subject, made, new Set(allocations.map(({ workload }) => workload)));
    const credentials = await loadEngineCredentials(process.env);
    return { found, engines: enginesOf({ place, desired, credentials, uid: identity?.uid }) };
  } finally {
    await store.close();
  }
}

const ofAllocation = (allocation: Allocation): readonly Found[] =>
  allocation.objectId === undefined
    ? []
    : [
        {
          ...allocation,
          isLive: allocation.state === 'live',
          kind: allocation.engine,
          objectId: allocation.objectId,
        },
      ];

/** Whose they are is told by the objects themselves: by the cluster's name, since the uid is the store's to know. */
async function findOnEngines(subject: Subject, place: Place, desired: Desired): Promise<FoundOn> {
  const credentials = await loadEngineCredentials(process.env);
  const asking = enginesOf({ place, desired, credentials, uid: undefined });
  try {
    const { objects } = await lookAtNodes({ desired, engines: asking, whose: 'name' });
    const made = objects.map((object): Found => {
      const { instance, ordinal, generation } = parseAllocationId(object.allocation);
      const { node, engine: kind, objectId, cluster: uid } = object;
      return { instance, ordinal, generation, isLive: object.state === 'running', node, kind, objectId, uid };
    });
    const found = chosen(subject, made, new Set(made.map(({ instance }) => workloadOf(instance))));
    return { found, engines: enginesOf({ place, desired, credentials, uid: found[0]?.uid }) };
  } finally {
    await asking.close();
  }
}

/** One for each instance that is meant. */
function chosen(subject: Subject, made: readonly Found[], workloads: ReadonlySet<WorkloadId>): readonly Found[] {
  const best = new Map<InstanceId, Found>();
  for (const one of made) {
    if (!isMeant(subject, one.instance)) continue;
    const known = best.get(one.instance);
    if (known === undefined || isBetter(one, known)) best.set(one.instance, one);
  }
  if (best.size === 0) throw nothingFound(subject, workloads);
  return [...best.values()].sort((a, b) => a.ordinal - b.ordinal);
}

const isMeant = (subject: Subject, instance: InstanceId): boolean =>
  subject.kind === 'instance' ? instance === subject.id : workloadOf(instance) === subject.workload;

const isBetter = (a: Found, b: Found): boolean => (a.isLive === b.isLive ? a.generation > b.generation : a.isLive);

const workloadOf = (instance: InstanceId): WorkloadId => instance.slice(0, instance.lastIndexOf('/')) as WorkloadId;

function nothingFound(subject: Subject, workloads: ReadonlySet<WorkloadId>): CliError {
  const { workload } = subject;
  if (!workloads.has(workload)) return unknownName('workload with instances', workload, workloads);
  const what = subject.kind === 'instance' ? subject.id : workload;
  return new CliError(`nothing was made for ${what} yet, or it is gone`, {
    hint: `What there is shows: muster explain ${workload}`,
  });
}
