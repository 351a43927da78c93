import type { NodeName } from '../model/ids.ts';
import type { Refusal } from '../model/plan.ts';
import { type Dimension, inPieces, piecesOf, type Resources } from '../model/resources.ts';
import { formatBitRate, formatCores } from '../model/units.ts';
import type { ClusterNode } from './cluster.ts';
import type { Context } from './context.ts';
import type { Intent } from './decide.ts';
import type { Instance } from './instances.ts';
import { resourcesOfVector, type Vector } from './ledger.ts';
import {
  dimensionName,
  distanceOf,
  type Obstacle,
  obstacleInPlace,
  obstacleOn,
  obstacleToMove,
} from './place/obstacle.ts';
import { strategyOf } from './place/queue-for.ts';
import type { UnitState } from './place/unit-state.ts';
import type { QuotaRow } from './quota.ts';

/** "2 of 5 instances do not fit: 12 of 40 nodes lack memory, 28 lack label disk=ssd; nearest: web-a-07 needs 2 GiB more" */
export function capacityRefusal(
  context: Context,
  { intent, ask, counts, spread }: UnitState,
  /** `leaves`: nodes, by index, that those which move away have to leave. */
  count: { readonly failed: number; readonly of: number; readonly leaves: ReadonlySet<number> },
): Refusal {
  const { workload, definition, target } = intent;
  const candidates = context.candidatesOf(definition, target.revision);
  const reasons = new Map<string, { key: string; text: string; nodes: number }>();
  const add = (key: string, text: string, nodes: number): void => {
    const entry = reasons.get(text) ?? { key, text, nodes: 0 };
    entry.nodes += nodes;
    reasons.set(text, entry);
  };
  for (const { key, text, nodes } of candidates.ruledOut) add(key, text, nodes);
  let nearest: { readonly node: ClusterNode; readonly short: Vector; readonly distance: number } | undefined;
  for (const index of candidates.nodes) {
    const node = context.cluster.nodes[index] as ClusterNode;
    const obstacle =
      obstacleOn(context, { definition, ask, counts, spread }, node) ??
      whyNotThere(context, { intent, spread }, { node, leaves: count.leaves });
    add(obstacle.key, obstacle.text, 1);
    if (obstacle.short === undefined) continue;
    const distance = distanceOf(obstacle.short, ask);
    if (nearest === undefined || distance < nearest.distance) nearest = { node, short: obstacle.short, distance };
  }
  const sorted = [...reasons.values()].sort((a, b) => b.nodes - a.nodes || (a.text < b.text ? -1 : 1));
  const missing = nearest && piecesOf(resourcesOfVector(context.ledger, nearest.short));
  const name = nearest?.node.name;
  const why = whyText(sorted, candidates.considered, definition.placement.pods);
  const near = name && missing ? `; nearest: ${name} needs ${amountsText(missing)} more${keptText(context, name)}` : '';
  return {
    code: 'MUS4001',
    subject: workload.id,
    instances: count.failed,
    message: `${workload.id}: ${doNotFit(count)}: ${why}${near}`,
    byReason: byKey(sorted),
    ...(name && missing && { nearest: { node: name, missing } }),
  };
}

/** Room that no engine shows in use: ", with room kept for default/web, which is paused, to go on or to be undone" */
function keptText({ inputs: { recorded } }: Context, node: NodeName): string {
  const there = recorded.inFlight.filter(({ waves = [] }) =>
    waves.flat().some(({ after, before }) => after?.node === node || before?.node === node),
  );
  const [first] = there;
  if (first === undefined) return '';
  const what = there.length === 1 ? `${first.unit}, which is ${first.status},` : `${there.length} units in flight`;
  return `, with room kept for ${what} to go on or to be undone`;
}

/** "1 of 3 instances does not fit: db/pg/0 stays on n1 (its volumes are on that node), which has no 40 GiB more on /data1" */
export function boundRefusal(
  context: Context,
  { intent, ask }: UnitState,
  {
    bound,
    of,
  }: { readonly bound: readonly { readonly instance: Instance; readonly why: string }[]; readonly of: number },
): Refusal {
  const { id } = intent.workload;
  const reasons = bound.map(({ instance, why }) => {
    const { key, text, short } = obstacleInPlace(context, { ask, asked: intent.target.revision }, instance);
    return { instance, why, key, text, missing: short && piecesOf(resourcesOfVector(context.ledger, short)) };
  });
  const told = reasons.slice(0, mostTold).map(({ instance, why, text, missing }) => {
    const by = missing === undefined ? '' : ` (${amountsText(missing)} more)`;
    return `${instance.id} stays on ${instance.node.name} (${why}), which ${inNumber(text, 1)}${by}`;
  });
  const more = reasons.length > mostTold ? `; so do ${reasons.length - mostTold} more` : '';
  const nearest = reasons.find(({ missing }) => missing !== undefined);
  return {
    code: 'MUS4001',
    subject: id,
    instances: bound.length,
    message: `${id}: ${doNotFit({ failed: bound.length, of })}: ${told.join('; ')}${more}`,
    byReason: byKey(reasons.map(({ key }) => ({ key, nodes: 1 }))),
    ...(nearest?.missing && { nearest: { node: nearest.instance.node.name, missing: nearest.missing } }),
  };
}

/** More are only counted. */
const mostTold = 3;

/** "1 of 5 instances does not fit" */
const doNotFit = ({ failed, of }: { readonly failed: number; readonly of: number }): string =>
  `${failed} of ${of} ${of === 1 ? 'instance' : 'instances'} ${failed === 1 ? 'does' : 'do'} not fit`;

/** What else keeps it away from a node that one more would fit on. */
function whyNotThere(
  context: Context,
  { intent, spread }: Pick<UnitState, 'intent' | 'spread'>,
  { node, leaves }: { readonly node: ClusterNode; readonly leaves: ReadonlySet<number> },
): Obstacle {
  if (leaves.has(node.index)) return { key: 'leaves', text: 'have to be left' };
  for (const from of spread.rules.length === 0 ? [] : leaves) {
    const obstacle = obstacleToMove(spread, context.cluster.nodes[from] as ClusterNode, node);
    if (obstacle !== undefined) return obstacle;
  }
  return strategyOf(context, intent) === 'each'
    ? { key: 'strategy', text: 'cannot take the whole number (strategy each)' }
    : { key: 'capacity', text: 'have no room for all of them together' };
}

function whyText(reasons: readonly { text: string; nodes: number }[], nodes: number, pods: readonly string[]): string {
  const where = pods.length === 0 ? 'the cluster' : `pod ${pods.join(', ')}`;
  if (nodes === 0) return `there is no node in ${where}`;
  const [only] = reasons;
  if (nodes === 1 && only !== undefined) return `the only node ${inNumber(only.text, 1)}`;
  return reasons
    .map(
      ({ text, nodes: count }, index) => `${count}${index === 0 ? ` of ${nodes} nodes` : ''} ${inNumber(text, count)}`,
    )
    .join(', ');
}

const singular: Readonly<Record<string, string>> = { are: 'is', have: 'has', lack: 'lacks' };

/** Reasons are written for many nodes. */
function inNumber(text: string, count: number): string {
  const [verb = '', ...rest] = text.split(' ');
  return count === 1 ? [singular[verb] ?? verb, ...rest].join(' ').replace(' in their ', ' in its ') : text;
}

function byKey(reasons: readonly { key: string; nodes: number }[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { key, nodes } of [...reasons].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))) {
    sums[key] = (sums[key] ?? 0) + nodes;
  }
  return sums;
}

const amountsText = (resources: Resources): string =>
  (Object.entries(resources) as [Dimension, number][])
    .map(([dimension, amount]) => amountText(dimension, amount))
    .join(' and ');

function amountText(dimension: Dimension | 'instances', amount: number): string {
  switch (dimension) {
    case 'cpuMillis':
      return `${amount / 1000} ${amount === 1000 ? 'core' : 'cores'}`;
    case 'memoryBytes':
    case 'storageBytes':
      return bytesText(amount);
    case 'bandwidthBits':
      return formatBitRate(amount);
    case 'instances':
      return `${amount} instances`;
    default:
      return `${amount} ${dimension}`;
  }
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** For people: two decimals at most, rounded up so that having this much is enough. */
function bytesText(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  while (amount >= 1024 && unit < byteUnits.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${Math.ceil(amount * 100) / 100} ${byteUnits[unit]}`;
}

/** "payments/checkout: 11 of 19 instances are beyond quota payments: 412 → 431 of 420 instances; shop/cart uses most (210)" */
export function quotaRefusal(
  { workload }: Intent,
  row: QuotaRow,
  /** `amount`: what those that failed would have added. */
  count: { readonly failed: number; readonly of: number; readonly amount: number },
): Refusal {
  const after = row.used + count.amount;
  const [most] = [...row.users()].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const user = most === undefined ? '' : `; ${most[0]} uses most (${quotaAmount(row, most[1])})`;
  const amount = `${quotaAmount(row, row.before)} → ${quotaAmount(row, after)} of ${quotaAmount(row, row.limit)}`;
  const unit = unitText(row.dimension);
  return {
    code: 'MUS4002',
    subject: workload.id,
    instances: count.failed,
    message:
      `${workload.id}: ${count.failed} of ${count.of} ${count.of === 1 ? 'instance' : 'instances'} ` +
      `${count.failed === 1 ? 'is' : 'are'} beyond quota ${row.name}: ${amount} ${unit}${user}`,
    byReason: {},
  };
}

/** "quota payments: 120 cores are used, and the limit is 100: 20 more than allowed …" */
export function overQuotaRefusal(
  row: QuotaRow,
  { excess, drains }: { readonly excess: number; readonly drains: boolean },
): Refusal {
  const unit = unitText(row.dimension);
  return {
    code: 'MUS4002',
    subject: row.name,
    instances: 0,
    message:
      `quota ${row.name}: ${quotaAmount(row, row.before - row.inFlight)} ${unit} are used, and the limit is ${quotaAmount(row, row.limit)}: ` +
      `${quotaAmount(row, excess)} more than allowed` +
      (drains
        ? ', of what a quota does not remove (only stateless instances go). Scale down, or raise the limit'
        : '; nothing is removed for that. Scale down, raise the limit, or set drainToQuota on the quota'),
    byReason: {},
  };
}

const unitText = (dimension: QuotaRow['dimension']): string =>
  dimension === 'instances' ? 'instances' : dimension === 'cpuMillis' ? 'cores' : dimensionName(dimension);

function quotaAmount({ dimension }: QuotaRow, amount: number): string {
  if (dimension === 'cpuMillis') return formatCores(amount);
  return dimension === 'memoryBytes' || dimension === 'storageBytes' || dimension === 'bandwidthBits'
    ? amountText(dimension, amount)
    : String(inPieces(dimension, amount));
}
