import type { InstanceId } from '../../model/ids.ts';
import { freedVector } from '../account.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Want } from '../decide.ts';
import { objectOf } from '../draft.ts';
import type { UnitState } from './unit-state.ts';

/** An instance that has to leave its node, and found no other. */
interface Homeless {
  readonly instance: InstanceId;
  readonly node: ClusterNode;
  readonly state: UnitState;
  readonly want: Want;
}

/** Looking for cycles among more than so many would take long, and nobody could read what comes out. */
const mostHomeless = 200;
const mostNamed = 3;

/**
 * Instances of several workloads that each would fit where the next one has to leave: none can go first, since what one
 * unit frees is there for others only in the next plan. They are refused already; this says what they wait for.
 */
export function noteCycles(context: Context, states: Iterable<UnitState>): void {
  const homeless = [...states].flatMap((state) => state.homeless.flatMap((want) => homelessOf(state, want)));
  if (homeless.length < 2 || homeless.length > mostHomeless) return;
  const named = new Set<InstanceId>();
  let count = 0;
  for (const first of homeless) {
    if (count === mostNamed) return;
    const cycle = named.has(first.instance) ? undefined : shortestCycle(context, first, homeless);
    if (cycle === undefined) continue;
    for (const { instance } of cycle) named.add(instance);
    count += 1;
    note(context, cycle);
  }
}

const homelessOf = (state: UnitState, want: Want): readonly Homeless[] =>
  want.current === undefined ? [] : [{ instance: want.instance, node: want.current.node, state, want }];

/** Breadth first: each is looked at once. */
function shortestCycle(context: Context, first: Homeless, all: readonly Homeless[]): readonly Homeless[] | undefined {
  const cameFrom = new Map<Homeless, Homeless>();
  const queue: Homeless[] = [first];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const next of all) {
      if (next.node === at.node || !fitsInPlaceOf(context, at, next)) continue;
      if (next === first) return pathTo(cameFrom, at);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return undefined;
}

function pathTo(cameFrom: ReadonlyMap<Homeless, Homeless>, last: Homeless): readonly Homeless[] {
  const path: Homeless[] = [];
  for (let at: Homeless | undefined = last; at !== undefined; at = cameFrom.get(at)) path.unshift(at);
  return path;
}

/** There would be room, as far as amounts go, had the other one left. */
function fitsInPlaceOf({ ledger, candidatesOf }: Context, { state }: Homeless, other: Homeless): boolean {
  const { definition, target } = state.intent;
  const { node, want } = other;
  if (want.current === undefined || !candidatesOf(definition, target.revision).nodes.includes(node.index)) return false;
  const freed = freedVector(ledger, want.current.allocation.holds, objectOf(want.current));
  const start = node.index * ledger.width;
  return state.ask.amounts.every(
    (amount, d) =>
      amount <= 0 ||
      (ledger.used[start + d] as number) - (freed[d] as number) + amount <= (ledger.capacity[start + d] as number),
  );
}

function note(context: Context, cycle: readonly Homeless[]): void {
  const [first] = cycle;
  if (first === undefined) return;
  const moves = cycle.map(({ instance, node }, index) => {
    const to = cycle[(index + 1) % cycle.length] ?? first;
    return `${instance} (${node.name} → ${to.node.name})`;
  });
  context.notes.warn(
    'MUS5010',
    first.state.intent.workload.id,
    `moves would have to change places: ${moves.join(', ')}: none has room before the next one has left. ` +
      'Room on one more node, or scaling one of them down for a moment, breaks the cycle',
  );
}
