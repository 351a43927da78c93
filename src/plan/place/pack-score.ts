import { baseDimensions } from '../../model/resources.ts';
import type { Revision } from '../../model/revision.ts';
import type { Ask } from '../ask.ts';
import type { Cluster, ClusterNode } from '../cluster.ts';
import type { PlanInputs } from '../inputs.ts';
import type { Ledger } from '../ledger.ts';
import type { Pieces } from '../pieces.ts';
import type { DeviceAsk } from '../resources/device-choice.ts';
import type { DeviceState } from '../resources/device-state.ts';
import { devices } from '../resources/devices.ts';
import { openPack, type Pack } from './pack.ts';
import { type PackAsk, packAskOf } from './pack-demand.ts';
import type { Score } from './score.ts';

/** Packing of one plan: what git wants is what it leaves room for. Daemons have no choice of nodes, so they do not count. */
export function packFor(of: {
  readonly inputs: PlanInputs;
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly pieces: Pieces;
  readonly askOf: (revision: Revision) => Ask;
}): Pack {
  const { inputs, cluster, ledger, pieces, askOf } = of;
  const wanted = inputs.desired.workloads
    .filter(({ type }) => type !== 'daemon')
    .map(({ revision, replicas }) => ({ ask: asPackAsk(askOf(revision)), instances: replicas }));
  const devicesOf = (node: number): DeviceState =>
    pieces.stateOf(devices, cluster.nodes[node] as ClusterNode) as DeviceState;
  return openPack({ ledger, devicesOf, touched: ledger.touched }, wanted);
}

/** What others lose; it gets better as well as worse while a plan grows. */
export function packScore(pack: Pack, ask: Ask): Score {
  const wants = asPackAsk(ask);
  return { key: `pack ${wants.key}`, of: (node) => pack.loss(wants, node), follows: 'touched' };
}

function asPackAsk({ amounts, pieces }: Ask): PackAsk {
  const wanted = pieces.find(({ resource }) => resource.key === devices.key)?.ask as readonly DeviceAsk[] | undefined;
  return packAskOf(amounts.slice(0, baseDimensions.length), wanted);
}
