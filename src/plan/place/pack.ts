import { baseDimensions, milliPerPiece } from '../../model/resources.ts';
import type { Ledger } from '../ledger.ts';
import { chooseDevices } from '../resources/device-choice.ts';
import type { DeviceState } from '../resources/device-state.ts';
import { compileDemand, type PackAsk, type Wanted } from './pack-demand.ts';
import { type NodeFree, usableOf } from './pack-usable.ts';
import { weightsOf } from './pack-weights.ts';

/**
 * The score of strategy `pack`: how much of what a node has free could be used by what git wants, before and after one
 * more instance is there. The node that loses least is taken.
 *
 * The idea is fragmentation gradient descent (Weng et al., "Beware of Fragmentation", USENIX ATC 2023): what is free is
 * worth what the asks of the whole workload, by their popularity, could do with it, and an instance goes where it takes
 * least of that away. The popularity is what is declared: a class of asks weighs as many instances as git wants of it.
 * Three things are ours; bench/RESULTS.md says what each gives:
 * - FGD asks whether one instance of a class would fit, and then counts every free piece as usable by it. A node with
 *   three free GPUs and cpu for one instance looks whole to it. To that hopeful answer the sober one is added: what
 *   instances of that class alone would fill (pack-usable.ts).
 * - A class weighs by its instances over the root of its size, and
 * - the more the less of the cluster it is fit for (pack-weights.ts).
 * Which piece of a node is taken is no part of it: devices.ts takes the tightest one that is begun, which is also what
 * this measure would choose (the same allocation on the traces).
 *
 * What it needs: the ledger's columns, the state of each node's devices, and `touched`, to which whoever charges a node or
 * takes a charge back appends that node. What a node has free is read again only then; nodes with the same free amounts
 * share one state, and the loss of an ask in a state is worked out once. A loss is not monotone: placing one instance can
 * make a node better for another, so a heap over it has to follow `touched` (pack-shelf.ts).
 *
 * Integer arithmetic throughout; the weights are rounded roots and ratios, which IEEE 754 makes the same everywhere.
 */
export interface Pack {
  /**
   * What the others lose when an instance is placed on the node; lower is better. Infinite where it does not fit, as far
   * as counted dimensions and devices go.
   */
  loss(ask: PackAsk, node: number): number;
}

export interface PackNodes {
  readonly ledger: Pick<Ledger, 'dimensions' | 'width' | 'nodes' | 'capacity' | 'used' | 'largest'>;
  /** Live: as they are now. */
  readonly devicesOf: (node: number) => DeviceState;
  /** Nodes whose free amounts changed, in order; only grows. */
  readonly touched: readonly number[];
}

/** Bound what is remembered: states of nodes, and losses of all asks together. */
const mostStates = 100_000;
const mostLosses = 2_000_000;

export function openPack(nodes: PackNodes, wanted: readonly Wanted[]): Pack {
  const { ledger, touched } = nodes;
  const kinds = ledger.dimensions.slice(baseDimensions.length);
  const demand = compileDemand(wanted, kinds);
  const weights = weightsOf(demand, ledger);
  const states = new Map<string, State>();
  const stateAt: (State | undefined)[] = new Array(ledger.nodes);
  const losses = new Map<string, Map<State, number>>();
  let remembered = 0;
  let seen = 0;

  const forget = (): void => {
    stateAt.fill(undefined);
    states.clear();
    losses.clear();
    remembered = 0;
  };
  const stateOf = (node: number): State => {
    const known = stateAt[node];
    if (known !== undefined) return known;
    const free = freeOf(nodes, kinds, node);
    const key = stateKey(free);
    const state = states.get(key) ?? { free, usable: usableOf(demand, weights, free) };
    states.set(key, state);
    stateAt[node] = state;
    return state;
  };
  const lossIn = (state: State, ask: PackAsk): number => {
    const after = freeAfter(state.free, ask);
    return after === undefined ? Number.POSITIVE_INFINITY : state.usable - usableOf(demand, weights, after);
  };
  return {
    loss(ask, node) {
      for (; seen < touched.length; seen += 1) stateAt[touched[seen] as number] = undefined;
      if (states.size > mostStates || remembered > mostLosses) forget();
      const state = stateOf(node);
      const own = losses.get(ask.key) ?? new Map<State, number>();
      if (own.size === 0) losses.set(ask.key, own);
      let loss = own.get(state);
      if (loss === undefined) {
        loss = lossIn(state, ask);
        own.set(state, loss);
        remembered += 1;
      }
      return loss;
    },
  };
}

interface State {
  readonly free: NodeFree;
  readonly usable: number;
}

/** Pieces of a kind are in order of what is free: which of them it is makes no difference. */
function freeOf({ ledger, devicesOf }: PackNodes, kinds: readonly string[], node: number): NodeFree {
  const start = node * ledger.width;
  const counted = new Float64Array(baseDimensions.length);
  for (let d = 0; d < counted.length; d += 1) {
    counted[d] = (ledger.capacity[start + d] as number) - (ledger.used[start + d] as number);
  }
  const devices = devicesOf(node);
  const free = devices.free.slice();
  for (const { from, to } of devices.spans) free.subarray(from, to).sort();
  return { counted, devices: { ...devices, free }, kinds: devices.kinds.map((kind) => kinds.indexOf(kind)) };
}

const stateKey = ({ counted, devices, kinds }: NodeFree): string =>
  `${counted.join()} ${devices.free.join()} ${kinds.join()} ${devices.spans.map(({ to }) => to).join()}`;

/** Undefined where there is no room. */
function freeAfter({ counted, devices, kinds }: NodeFree, ask: PackAsk): NodeFree | undefined {
  const left = counted.slice();
  for (let d = 0; d < left.length; d += 1) {
    const amount = ask.counted[d] as number;
    left[d] = (left[d] as number) - amount;
    if (amount > 0 && (left[d] as number) < 0) return undefined;
  }
  if (ask.devices.length === 0) return { counted: left, devices, kinds };
  const choices = chooseDevices(devices, ask.devices, undefined);
  if (choices === undefined) return undefined;
  const free = devices.free.slice();
  for (const { ask: one, picked } of choices) {
    for (const piece of picked.whole) free[piece] = (free[piece] as number) - milliPerPiece;
    if (picked.part >= 0) free[picked.part] = (free[picked.part] as number) - one.part;
  }
  return { counted: left, devices: { ...devices, free }, kinds };
}
