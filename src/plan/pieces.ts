import { chargedHolds } from '../model/capacity.ts';
import type { Holds } from '../model/recorded.ts';
import type { Ask, PieceAsk } from './ask.ts';
import type { ClusterNode } from './cluster.ts';
import type { Compiled } from './compile.ts';
import type { Ledger } from './ledger.ts';
import type { AnyResource, NodeFacts } from './resources/resource.ts';

/** Who holds which pieces of what, opened node by node when somebody asks. */
export interface Pieces {
  /** What a resource has of the node's pool: live, and only to be looked at. */
  stateOf(resource: AnyResource, node: ClusterNode): unknown;
  /** How many more instances fit on a node, `atMost` at the most. */
  room(asks: readonly PieceAsk[], node: ClusterNode, atMost: number): number;
  /** Pieces for one more instance, taken; undefined when there is no room. */
  take(ask: Ask, node: ClusterNode, predecessor: Predecessor | undefined): Partial<Holds> | undefined;
  /** Why an instance does not fit as far as pieces go; undefined when it does. */
  short(
    asks: readonly PieceAsk[],
    node: ClusterNode,
    predecessor: Predecessor | undefined,
  ): (ReturnType<AnyResource['short']> & { readonly key: string }) | undefined;
}

/** What a new instance takes the place of, where that is off before it starts: it keeps what it can of the pieces. */
export interface Predecessor {
  readonly holds: Holds;
  readonly node: ClusterNode;
}

export function openPieces(compiled: Compiled, ledger: Ledger): Pieces {
  const stateOf = openStates(compiled);
  return {
    stateOf: (resource, node) => stateOf(resource, node).state,
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
      const [only] = ask.pieces;
      // Mostly there is only a port to be had, and nobody to take it over from.
      if (ask.pieces.length === 1 && only !== undefined && predecessor === undefined && !ledger.undo.isOn)
        return takeForGood(only, node);
      const taken: Taken[] = [];
      let holds: Partial<Holds> = nothing;
      for (const { resource, ask: wanted } of ask.pieces) {
        const one = takeOne(resource, wanted, node, predecessor);
        if (one === undefined) {
          giveBack(taken);
          return undefined;
        }
        taken.push(one);
        holds = taken.length === 1 ? resource.holdsOf(one.held) : { ...holds, ...resource.holdsOf(one.held) };
      }
      if (ledger.undo.isOn && taken.length > 0) {
        ledger.undo.entries.push(() => {
          giveBack(taken);
          ledger.rollbacks += 1;
        });
      }
      return holds;
    },
    short(asks, node, predecessor) {
      for (const { resource, ask } of asks) {
        const { facts, state } = stateOf(resource, node);
        const keep = keepOf(resource, node, predecessor);
        if (keep !== undefined) resource.release(state, keep);
        const fits = resource.choose(state, ask, { node: facts, keep }) !== undefined;
        const why = fits ? undefined : { ...resource.short(state, ask, facts, keep), key: resource.key };
        if (keep !== undefined) resource.take(state, keep);
        if (why !== undefined) return why;
      }
      return undefined;
    },
  };

  /** Of what is new, when nothing that is placed is taken back. */
  function takeForGood({ resource, ask }: PieceAsk, node: ClusterNode): Partial<Holds> | undefined {
    const { facts, state } = stateOf(resource, node);
    const held = resource.choose(state, ask, { node: facts, keep: undefined });
    if (held === undefined) return undefined;
    resource.take(state, held);
    return resource.holdsOf(held);
  }

  function takeOne(
    resource: AnyResource,
    ask: unknown,
    node: ClusterNode,
    predecessor: Predecessor | undefined,
  ): Taken | undefined {
    const { facts, state } = stateOf(resource, node);
    const keep = keepOf(resource, node, predecessor);
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
    return { resource, state, held, keep, rest };
  }

  /** What the predecessor has in the pool of the node. */
  function keepOf(resource: AnyResource, node: ClusterNode, predecessor: Predecessor | undefined): unknown {
    if (predecessor === undefined) return undefined;
    // Its pool is not opened to be asked its name: the node that it leaves is mostly another one.
    const sharesPool =
      predecessor.node === node ||
      resource.poolOf(compiled.factsOf(predecessor.node)) === resource.poolOf(compiled.factsOf(node));
    return sharesPool ? resource.heldOf(predecessor.holds) : undefined;
  }
}

/** What was taken of one resource, and what was given up for it. */
interface Taken {
  readonly resource: AnyResource;
  readonly state: unknown;
  readonly held: unknown;
  readonly keep: unknown;
  readonly rest: unknown;
}

function giveBack(all: readonly Taken[]): void {
  for (let i = all.length - 1; i >= 0; i -= 1) {
    const { resource, state, held, keep, rest } = all[i] as Taken;
    if (rest !== undefined) resource.release(state, rest);
    resource.release(state, held);
    if (keep !== undefined) resource.take(state, keep);
  }
}

const nothing: Partial<Holds> = {};

interface Pool {
  readonly facts: NodeFacts;
  readonly state: unknown;
}

function openStates(compiled: Compiled): (resource: AnyResource, node: ClusterNode) => Pool {
  const { nodes } = compiled.cluster;
  const books = new Map<
    AnyResource,
    { readonly byNode: (Pool | undefined)[]; readonly open: (node: ClusterNode) => Pool }
  >();
  return (resource, node) => {
    let book = books.get(resource);
    if (book === undefined) {
      book = { byNode: new Array(nodes.length), open: openBook(resource, compiled) };
      books.set(resource, book);
    }
    const pool = book.byNode[node.index] ?? book.open(node);
    book.byNode[node.index] = pool;
    return pool;
  };
}

/** Pools of one resource; what is recorded is taken when a pool is opened, and what units in flight may still take. */
function openBook(resource: AnyResource, compiled: Compiled): (node: ClusterNode) => Pool {
  const { cluster, factsOf, poolsOf } = compiled;
  const { handovers } = compiled.inFlight;
  const members = poolsOf(resource);
  const states = new Map<string, unknown>();
  const openPool = (node: ClusterNode, facts: NodeFacts, inPool: readonly NodeFacts[]): unknown => {
    const state = resource.open(facts);
    for (const other of inPool) {
      if (other !== facts) resource.join?.(state, other);
      const index = other === facts ? node.index : (cluster.indexOf.get(other.name) ?? -1);
      takeRecorded(resource, state, compiled, index);
    }
    if (handovers.size > 0) takeInFlight(resource, { facts, state }, compiled, inPool);
    return state;
  };
  return (node) => {
    const facts = factsOf(node);
    const name = resource.poolOf(facts);
    const inPool = members.get(name) ?? [];
    // Mostly a node shares its pool with nobody.
    if (inPool.length === 1) return { facts, state: openPool(node, facts, inPool) };
    const state = states.get(name) ?? openPool(node, facts, inPool);
    states.set(name, state);
    return { facts, state };
  };
}

function takeRecorded(resource: AnyResource, state: unknown, { residentsOf, inFlight }: Compiled, node: number): void {
  const { instead } = inFlight;
  for (const allocation of residentsOf(node)) {
    const isOther = instead.size > 0 && instead.has(allocation.id);
    const holds = isOther ? instead.get(allocation.id) : chargedHolds(allocation);
    const held = holds && resource.heldOf(holds);
    if (held !== undefined) resource.take(state, held);
  }
}

/** Whoever takes over has what its predecessor had; what it does not take of that stays taken, should the unit be undone. */
function takeInFlight(
  resource: AnyResource,
  { facts, state }: Pool,
  { cluster, factsOf, inFlight }: Compiled,
  members: readonly NodeFacts[],
): void {
  const pool = resource.poolOf(facts);
  const nodeOf = (name: NodeFacts['name']): ClusterNode | undefined => cluster.nodes[cluster.indexOf.get(name) ?? -1];
  for (const { name } of members) {
    for (const { holds, from } of inFlight.handovers.get(cluster.indexOf.get(name) ?? -1) ?? []) {
      const held = resource.heldOf(holds);
      const home = from && nodeOf(from.node);
      const isHere = home !== undefined && resource.poolOf(factsOf(home)) === pool;
      const keep = from !== undefined && isHere ? resource.heldOf(from.holds) : undefined;
      if (held === undefined) continue;
      if (keep !== undefined) resource.release(state, keep);
      resource.take(state, held);
      const rest = keep === undefined ? undefined : resource.beyond(keep, held);
      if (rest !== undefined) resource.take(state, rest);
    }
  }
}
