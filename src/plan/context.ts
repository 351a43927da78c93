import type { Strategy } from '../model/desired.ts';
import type { AllocationId, InstanceId, NamespaceName, WorkloadId } from '../model/ids.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Allocation } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { type Ask, openAsks } from './ask.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import type { Compiled } from './compile.ts';
import { type HeldTransactions, heldAtFirst } from './held.ts';
import type { PlanInputs } from './inputs.ts';
import type { Instance } from './instances.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { type Notes, openNotes } from './notes.ts';
import { openPieces, type Pieces } from './pieces.ts';
import { type Affinity, openAffinity } from './place/affinity.ts';
import type { CandidatesOf } from './place/feasible.ts';
import type { Pack } from './place/pack.ts';
import { packFor } from './place/pack-score.ts';
import { openPreferences, type PreferencesOf } from './place/preferences.ts';
import { openShelves, type Shelves } from './place/shelves.ts';
import type { GroupsOf } from './place/spread.ts';
import { pushTo } from './push-to.ts';
import { openQuotas, type QuotaLedger } from './quota.ts';
import { openResources } from './resources/all.ts';
import { openRequirements, openRules, type Requirement, type RulesFor } from './rules.ts';

/** What the stages of one planning share: the compiled cluster, the two ledgers, and what is to be said. */
export interface Context {
  readonly inputs: PlanInputs;
  readonly compiled: Compiled;
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly quotas: QuotaLedger;
  readonly notes: Notes;
  /** Transactions whose workloads stay on their last good revisions. */
  readonly held: HeldTransactions;
  /** What git changed of them waits for those that they come after. */
  readonly waiting: Map<WorkloadId, WorkloadId>;
  readonly candidatesOf: CandidatesOf;
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
  /** Opened when a workload is packed. */
  readonly pack: () => Pack;
  readonly groupsOf: GroupsOf;
  readonly preferencesOf: PreferencesOf;
  /** By pod. */
  readonly strategies: ReadonlyMap<string, Strategy>;
  readonly hasObject: (allocation: Allocation) => boolean;
  /** Instances about which nothing can be concluded, by workload. */
  readonly unseenInstances: Map<WorkloadId, Instance[]>;
  unseen(instance: Instance, workload: WorkloadId): void;
  /** Instances that a drain cannot move, by node index. */
  readonly drainBlocks: Map<number, { readonly instance: InstanceId; readonly reason: string }[]>;
  blockDrain(node: ClusterNode, instance: InstanceId, reason: string): void;
  /** How many instances those are. */
  readonly blocked: { count: number };
}

export function openContext(
  inputs: PlanInputs,
  compiled: Compiled,
  held: HeldTransactions = heldAtFirst(inputs),
): Context {
  const { cluster, candidatesOf, groupsOf } = compiled;
  const objects = once(() => new Set<AllocationId>(inputs.observed.objects.map((object) => object.allocation)));
  const unseenInstances = new Map<WorkloadId, Instance[]>();
  const drainBlocks = new Map<number, { readonly instance: InstanceId; readonly reason: string }[]>();
  const blocked = { count: 0 };
  const { policies, pods, workloads } = inputs.desired;
  const ledger = openLedger(compiled.ledger);
  const askOf = openAsks(ledger, openResources(inputs.desired));
  const pieces = openPieces(compiled, ledger);
  return {
    inputs,
    compiled,
    cluster,
    ledger,
    quotas: openQuotas(inputs, compiled, ledger.undo),
    notes: openNotes(),
    held,
    waiting: new Map(),
    candidatesOf,
    comparisons: new Map(),
    rulesFor: openRules(policies),
    requirementsFor: openRequirements(policies),
    askOf,
    pieces,
    affinity: openAffinity(workloads, compiled.instances),
    shelves: openShelves(ledger),
    pack: once(() => packFor({ inputs, cluster, ledger, pieces, askOf })),
    groupsOf,
    preferencesOf: openPreferences(cluster),
    strategies: new Map(pods.map(({ name, strategy }) => [name, strategy])),
    hasObject: (allocation) => objects().has(allocation.id),
    unseenInstances,
    unseen: (instance, workload) => pushTo(unseenInstances, workload, instance),
    drainBlocks,
    blockDrain: (node, instance, reason) => {
      pushTo(drainBlocks, node.index, { instance, reason });
      blocked.count += 1;
    },
    blocked,
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
