import { chargedHolds } from '../model/capacity.ts';
import type { Allocation, Holds } from '../model/recorded.ts';
import type { Ask, PieceAsk } from './ask.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import type { PlanInputs } from './inputs.ts';
import type { Ledger } from './ledger.ts';
import type { NodeFacts, PlacedResource } from './resources/resource.ts';
import { markOf, undoTo } from './undo.ts';

/** A resource whose types only it knows: what it gives out is given back to it alone. */
export type AnyResource = PlacedResource<unknown, unknown, unknown>;

/** Who holds which pieces of what, opened node by node when somebody asks. */
export interface Pieces {
  /** How many more instances fit on a node, `atMost` at the most. */
  room(asks: readonly PieceAsk[], node: ClusterNode, atMost: number): number;
  /** Pieces for one more instance, taken; undefined when there is no room. */
  take(ask: Ask, node: ClusterNode, predecessor: Predecessor | undefined): Partial<Holds> | undefined;
  /** Why an instance does not fit as far as pieces go; undefined when it does. */
  short(asks: readonly PieceAsk[], node: ClusterNode): (ReturnType<AnyResource['short']> & { readonly key: string }) | undefined;
}

/** What a new instance takes the place of, where that is off before it starts: it keeps what it can of the pieces. */
export interface Predecessor {
  readonly holds: Holds;
  readonly node: ClusterNode;
}

export function openPieces(inputs: PlanInputs, cluster: Cluster, ledger: Ledger): Pieces {
  const stateOf = openStates(inputs, cluster, ledger);
  return {
    room(asks, node, atMost) {
      let room = atMost;
      for (const { resource, ask } of asks) {
        if (room === 0) break;
        const { facts, state } = stateOf(resource, node);
        room = Math.min(room, resource.room(state, ask, { node: facts, atMost: room }));
      }
      return room;
    },
    take(ask, node, predecessor) {
      let taken: Partial<Holds> | undefined;
      const mark = markOf(ledger.undo);
      for (const { resource, ask: wanted } of ask.pieces) {
        const held = takeOne(resource, wanted, node, predecessor);
        if (held === undefined) {
          undoTo(ledger.undo, mark);
          return undefined;
        }
        const part = resource.holdsOf(held);
        taken = taken === undefined ? part : { ...taken, ...part };
      }
      return taken ?? nothing;
    },
    short(asks, node) {
      for (const { resource, ask } of asks) {
        const { facts, state } = stateOf(resource, node);
        if (resource.room(state, ask, { node: facts, atMost: 1 }) < 1)
          return { ...resource.short(state, ask, facts), key: resource.key };
      }
      return undefined;
    },
  };

  function takeOne(
    resource: AnyResource,
    ask: unknown,
    node: ClusterNode,
    predecessor: Predecessor | undefined,
  ): unknown {
    const { facts, state } = stateOf(resource, node);
    const sharesPool =
      predecessor !== undefined &&
      (predecessor.node === node || resource.poolOf(stateOf(resource, predecessor.node).facts) === resource.poolOf(facts));
    const keep = sharesPool ? resource.heldOf(predecessor.holds) : undefined;
    if (keep !== undefined) resource.release(state, keep);
    const held = resource.choose(state, ask, { node: facts, keep });
    if (held === undefined) {
      if (keep !== undefined) resource.take(state, keep);
      return undefined;
    }
    resource.take(state, held);
    // What the new one does not cover is still the old one's, should it have to come back.
    const rest = keep === undefined ? undefined : resource.beyond(keep, held);
    if (rest !== undefined) resource.take(state, rest);
    ledger.undo.entries.push(() => {
      if (rest !== undefined) resource.release(state, rest);
      resource.release(state, held);
      if (keep !== undefined) resource.take(state, keep);
      ledger.rollbacks += 1;
    });
    return held;
  }
}

const nothing: Partial<Holds> = {};

interface Pool {
  readonly facts: NodeFacts;
  readonly state: unknown;
}

function openStates(
  inputs: PlanInputs,
  cluster: Cluster,
  ledger: Ledger,
): (resource: AnyResource, node: ClusterNode) => Pool {
  const facts = cluster.nodes.map((node) => () => factsOf(inputs, node, ledger));
  const known: (NodeFacts | undefined)[] = new Array(cluster.nodes.length);
  const factsAt = (node: ClusterNode): NodeFacts => {
    const found = known[node.index] ?? (facts[node.index] as () => NodeFacts)();
    known[node.index] = found;
    return found;
  };
  const books = new Map<AnyResource, { readonly byNode: (Pool | undefined)[]; readonly open: (node: ClusterNode) => Pool }>();
  return (resource, node) => {
    let book = books.get(resource);
    if (book === undefined) {
      book = { byNode: new Array(cluster.nodes.length), open: openBook(resource, { inputs, cluster, factsAt }) };
      books.set(resource, book);
    }
    const pool = book.byNode[node.index] ?? book.open(node);
    book.byNode[node.index] = pool;
    return pool;
  };
}

/** Pools of one resource; what is recorded is taken when a pool is opened. */
function openBook(
  resource: AnyResource,
  of: { readonly inputs: PlanInputs; readonly cluster: Cluster; readonly factsAt: (node: ClusterNode) => NodeFacts },
): (node: ClusterNode) => Pool {
  const holders = holdersOf(resource, of);
  const members = membersOf(resource, of);
  const states = new Map<string, unknown>();
  return (node) => {
    const facts = of.factsAt(node);
    const name = resource.poolOf(facts);
    let state = states.get(name);
    if (state === undefined) {
      state = resource.open(facts);
      for (const other of members.get(name) ?? []) if (other !== facts) resource.join?.(state, other);
      for (const held of holders.get(name) ?? []) resource.take(state, held);
      states.set(name, state);
    }
    return { facts, state };
  };
}

/** The nodes of each pool, where it matters who is in it. */
function membersOf(
  resource: AnyResource,
  { cluster, factsAt }: Parameters<typeof openBook>[1],
): ReadonlyMap<string, readonly NodeFacts[]> {
  const members = new Map<string, NodeFacts[]>();
  if (resource.join === undefined) return members;
  for (const facts of cluster.nodes.map(factsAt)) {
    const pool = resource.poolOf(facts);
    const list = members.get(pool);
    if (list === undefined) members.set(pool, [facts]);
    else list.push(facts);
  }
  return members;
}

/** What is held by recorded allocations, by pool. */
function holdersOf(
  resource: AnyResource,
  { inputs, cluster, factsAt }: Parameters<typeof openBook>[1],
): ReadonlyMap<string, readonly unknown[]> {
  const holders = new Map<string, unknown[]>();
  const { allocations } = inputs.recorded;
  for (let index = 0; index < allocations.length; index += 1) {
    const allocation = allocations[index] as Allocation;
    const held = resource.heldOf(allocation.state === 'held' ? chargedHolds(allocation) : allocation.holds);
    if (held === undefined) continue;
    const pool = resource.poolOf(factsAt(cluster.homes[index] as ClusterNode));
    const list = holders.get(pool);
    if (list === undefined) holders.set(pool, [held]);
    else list.push(held);
  }
  return holders;
}

function factsOf(inputs: PlanInputs, node: ClusterNode, ledger: Ledger): NodeFacts {
  const { definition, observed, name } = node;
  let probedMillis = 0;
  for (const engine of Object.values(observed?.engines ?? {})) {
    if (engine?.kind === 'reachable') probedMillis = Math.max(probedMillis, engine.capacity.cpuMillis ?? 0);
  }
  const recordedMillis = inputs.recorded.nodes.get(name)?.capacity.cpuMillis ?? 0;
  const millis = definition?.capacity.cpuMillis ?? (probedMillis > 0 ? probedMillis : recordedMillis);
  return {
    name,
    definition,
    usable: ledger.usable[node.index] ?? {},
    cores: Math.floor(millis / 1000),
    foreign: observed?.foreign ?? [],
  };
}
