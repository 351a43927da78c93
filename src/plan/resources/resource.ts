import type { DesiredNode } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { ForeignObject } from '../../model/observed.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Resources } from '../../model/resources.ts';
import type { Revision } from '../../model/revision.ts';

/** What a resource may know of a node. */
export interface NodeFacts {
  readonly name: NodeName;
  /** Absent when the node has left git: it has nothing to give, but what is held there is still held. */
  readonly definition: DesiredNode | undefined;
  /** What allocations may use, in the counted dimensions: less the reserve, cpu times its overcommit. */
  readonly usable: Resources;
  /** Physical cores, before reserve and overcommit; 0 when nobody knows. */
  readonly cores: number;
  readonly foreign: readonly ForeignObject[];
}

/**
 * A resource whose pieces are told apart: cores, disks, devices, ports, addresses. What is only counted (memory, shared
 * cpu, storage, bandwidth) is a column of the ledger instead. Adding one: docs/adding-a-resource.md.
 *
 * Everything is integer arithmetic and deterministic: of equal choices the first in the pieces' order is taken. A state
 * is changed by `take` and `release` alone, which are each other's inverse and never refuse: what is recorded is held,
 * even where two hold the same.
 */
export interface PlacedResource<Ask, Held, State> {
  /** Key in a refusal's `byReason`. */
  readonly key: string;
  /** What an instance of the revision asks for; undefined: nothing, and the resource is not looked at. */
  askOf(revision: Revision): Ask | undefined;
  /** What an allocation holds of it; undefined: nothing. */
  heldOf(holds: Holds): Held | undefined;
  /** How the plan and the records write it. */
  holdsOf(held: Held): Partial<Holds>;
  /** Nodes of one pool share one state: mostly a node has its own. */
  poolOf(node: NodeFacts): string;
  /** What the pool has, with nothing of ours taken; foreign objects' part is. */
  open(node: NodeFacts): State;
  /** Adds what another node of the same pool brings; absent where a pool never has several nodes that matter. */
  join?(state: State, node: NodeFacts): void;
  take(state: State, held: Held): void;
  release(state: State, held: Held): void;
  /**
   * Pieces for one more instance on the node, none of them taken. `keep` is what its predecessor held in the same pool,
   * released before the call: kept as far as the ask allows. Undefined: there is no room.
   */
  choose(
    state: State,
    ask: Ask,
    options: { readonly node: NodeFacts; readonly keep: Held | undefined },
  ): Held | undefined;
  /** How many more instances fit, as `choose` and `take` would do it, `atMost` at the most. */
  room(state: State, ask: Ask, options: { readonly node: NodeFacts; readonly atMost: number }): number;
  /**
   * Why none fits: completes "12 of 40 nodes …", and what is missing where that can be said in amounts. `keep` as for
   * `choose`.
   */
  short(state: State, ask: Ask, node: NodeFacts, keep?: Held): { readonly text: string; readonly missing: Resources };
  /** The part of `held` that `by` does not cover: what stays taken when `by` takes the place of `held`. */
  beyond(held: Held, by: Held): Held | undefined;
}

/** A resource whose types only it knows: what it gives out is given back to it alone. */
export type AnyResource = PlacedResource<unknown, unknown, unknown>;
