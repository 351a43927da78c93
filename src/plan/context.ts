import type { DesiredWorkload, SpreadRule, Strategy } from '../model/desired.ts';
import type { AllocationId, EngineKind, InstanceId, NamespaceName, WorkloadId } from '../model/ids.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Allocation } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { type Cluster, type ClusterNode, compileCluster } from './cluster.ts';
import type { PlanInputs } from './inputs.ts';
import { type Ask, openAsks } from './ask.ts';
import { type Ledger, openLedger } from './ledger.ts';
import type { Instance } from './match.ts';
import { type Notes, openNotes } from './notes.ts';
import { openPieces, type Pieces } from './pieces.ts';
import { type Affinity, openAffinity } from './place/affinity.ts';
import { type Candidates, openCandidates } from './place/feasible.ts';
import { openShelves, type Shelves } from './place/shelves.ts';
import { type Group, openGroups } from './place/spread.ts';
import { openQuotas, type QuotaLedger } from './quota.ts';
import { openResources } from './resources/all.ts';
import { openRequirements, openRules, type Requirement, type RulesFor } from './rules.ts';

/** What the stages of one planning share: the compiled cluster, the two ledgers, and what is to be said. */
export interface Context {
  readonly inputs: PlanInputs;
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly quotas: QuotaLedger;
  readonly notes: Notes;
  readonly candidatesOf: (workload: DesiredWorkload, engine: EngineKind) => Candidates;
  /** Field changes by `old new` revision: instances share them. */
  readonly comparisons: Map<string, readonly FieldChange[]>;
  /** The disruption rules of a namespace. */
  readonly rulesFor: RulesFor;
  /** What policies force upon a namespace. */
  readonly requirementsFor: (namespace: NamespaceName) => readonly Requirement[];
  readonly askOf: (revision: Revision) => Ask;
  readonly pieces: Pieces;
  readonly affinity: Affinity;
  readonly shelves: Shelves;
  readonly groupsOf: (nodes: readonly number[], rules: readonly SpreadRule[]) => readonly Group[];
  /** By pod. */
  readonly strategies: ReadonlyMap<string, Strategy>;
  /** Highest generation recorded, by workload; counted when somebody asks. */
  readonly generations: () => ReadonlyMap<WorkloadId, number>;
  readonly hasObject: (allocation: Allocation) => boolean;
  /** Instances about which nothing can be concluded, by workload. */
  readonly unseenInstances: Map<WorkloadId, Instance[]>;
  unseen(instance: Instance, workload: WorkloadId): void;
  /** Instances that a drain cannot move, by node index. */
  readonly drainBlocks: Map<number, { readonly instance: InstanceId; readonly reason: string }[]>;
  blockDrain(node: ClusterNode, instance: InstanceId, reason: string): void;
}

export function openContext(inputs: PlanInputs): Context {
  const cluster = compileCluster(inputs);
  const objects = once(() => new Set<AllocationId>(inputs.observed.objects.map((object) => object.allocation)));
  const unseenInstances = new Map<WorkloadId, Instance[]>();
  const drainBlocks = new Map<number, { readonly instance: InstanceId; readonly reason: string }[]>();
  const { policies, pods, workloads } = inputs.desired;
  const ledger = openLedger(inputs, cluster);
  return {
    inputs,
    cluster,
    ledger,
    quotas: openQuotas(inputs, cluster, ledger.undo),
    notes: openNotes(),
    candidatesOf: openCandidates(cluster),
    comparisons: new Map(),
    rulesFor: openRules(policies),
    requirementsFor: openRequirements(policies),
    askOf: openAsks(ledger, openResources(inputs.desired)),
    pieces: openPieces(inputs, cluster, ledger),
    affinity: openAffinity(workloads),
    shelves: openShelves(ledger),
    groupsOf: openGroups(cluster),
    strategies: new Map(pods.map(({ name, strategy }) => [name, strategy])),
    generations: once(() => highestGenerations(inputs)),
    hasObject: (allocation) => objects().has(allocation.id),
    unseenInstances,
    unseen: (instance, workload) => pushTo(unseenInstances, workload, instance),
    drainBlocks,
    blockDrain: (node, instance, reason) => pushTo(drainBlocks, node.index, { instance, reason }),
  };
}

/** Made when it is first asked for, and then kept. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function highestGenerations(inputs: PlanInputs): ReadonlyMap<WorkloadId, number> {
  const highest = new Map<WorkloadId, number>();
  for (const { workload, generation } of inputs.recorded.allocations) {
    if (generation > (highest.get(workload) ?? 0)) highest.set(workload, generation);
  }
  return highest;
}

export function pushTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
