import type { HeadRoom, LossSummary, PodHeadRoom } from '../plan/simulate/head-room.ts';
import { type Hit, isBelowBudget, isOutage } from '../plan/simulate/hit.ts';
import type { SimulationBasis } from '../plan/simulate/world.ts';
import type { Simulation } from '../plan/simulate.ts';
import { plural } from './layout.ts';

/** Which cluster the question was asked of. */
export function basisText({ kind, summary, refused }: SimulationBasis): string {
  const counts = (['create', 'update', 'replace', 'move', 'stop', 'remove', 'forget'] as const)
    .filter((step) => summary[step] > 0)
    .map((step) => `${summary[step]} to ${step}`);
  const world =
    kind === 'present' ? 'on the cluster as it is' : `on the cluster as its plan leaves it (${counts.join(', ')})`;
  return refused === 0 ? world : `${world}; ${refused} refused by the plan anyway`;
}

/** `web-a-01, web-a-02 and 3 more` */
export function someNames(names: readonly string[], most = 5): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** What is lost, in the words of the question. */
export function lossTitle({ lost, instances }: Simulation, zones: readonly string[]): string {
  const what = zones.length === 0 ? `node${lost.length === 1 ? '' : 's'} ${someNames(lost)}` : zoneText(zones);
  const size = `${zones.length === 0 && lost.length <= 5 ? '' : `${plural(lost.length, 'node')}, `}${plural(instances, 'instance')}`;
  return `loses ${what} (${size})`;
}

const zoneText = (zones: readonly string[]): string => `zone${zones.length === 1 ? '' : 's'} ${someNames(zones)}`;

/** Those that need somebody first: no room, then nobody left, then too few left, then a spread that broke. */
export const worstFirst = (hits: readonly Hit[]): readonly Hit[] =>
  [...hits].sort((a, b) => severity(b) - severity(a) || (a.workload < b.workload ? -1 : 1));

function severity(hit: Hit): number {
  if (hit.short.length > 0) return 4;
  if (isOutage(hit)) return 3;
  if (isBelowBudget(hit)) return 2;
  return hit.spread.length + hit.waiting.length > 0 ? 1 : 0;
}

/** `8 of 12 at once; its budget leaves 10` */
export function availableText(hit: Hit): string {
  const { left, of, floor } = hit.available;
  if (of === 0) return 'none was there yet';
  const outage = isOutage(hit) ? ': an outage until one is back' : '';
  const budget = isBelowBudget(hit) ? `${outage === '' ? '; ' : ', '}its budget asks for ${floor}` : '';
  return `${left === 0 ? 'none' : left} of ${of} at once${outage}${budget}`;
}

/** The refusal without what the line begins with anyway. */
export const refusalText = ({ subject, message, code }: Hit['refusals'][number]): string =>
  `${message.startsWith(`${subject}: `) ? message.slice(subject.length + 2) : message} (${code})`;

export function simulationVerdict({ workloads, refusals, evicted, survives }: Simulation): string {
  const below = workloads.filter(isBelowBudget).length;
  const outages = workloads.filter(isOutage).length;
  const later = [
    ...(below > 0
      ? [`${plural(below, 'workload')} ${below === 1 ? 'falls below its' : 'fall below their'} budget`]
      : []),
    ...(outages > 0 ? [`${plural(outages, 'workload')} ${outages === 1 ? 'has' : 'have'} nobody left`] : []),
    ...(evicted.length > 0
      ? [`${plural(evicted.length, 'instance')} ${evicted.length === 1 ? 'gives' : 'give'} way`]
      : []),
  ];
  const more = later.length === 0 ? '' : ` At once ${later.join(', ')}.`;
  if (survives) return `Survives: whatever may be made anew finds room.${more}`;
  const short = workloads.filter((hit) => hit.short.length > 0);
  const lacking =
    short.reduce((sum, hit) => sum + hit.short.length, 0) + refusals.reduce((sum, r) => sum + r.instances, 0);
  const of = plural(short.length + refusals.length, 'workload');
  return `Does not survive: ${plural(lacking, 'instance')} of ${of} ${lacking === 1 ? 'finds' : 'find'} no room.${more}`;
}

/** `any 1 node`, `any 2 nodes` */
export const anyText = (any: number): string => `any ${plural(any, 'node')}`;

/** `leaves payments/ledger 1 short, payments/db 2 short` */
export const shortText = ({ short }: LossSummary): string =>
  `leaves ${someNames(short.map(({ workload, instances }) => `${workload} ${instances} short`))}`;

/** What would let it fit, where it is known. */
export const nearestOf = ({ short }: LossSummary): string =>
  short.flatMap(({ refusals }) => refusals).flatMap(({ message }) => / (nearest: .+)$/.exec(message)?.[1] ?? [])[0] ??
  '';

export function podText(pod: PodHeadRoom, any: number): string {
  switch (pod.verdict) {
    case 'survives':
      return `survives the loss of ${pod.nodes < any ? 'all of its nodes' : anyText(any)}${waitingText(pod)}`;
    case 'unknown':
      return `${provedText(pod)}; nothing was found against ${any}, but not every loss could be tried`;
    case 'fails':
      return `does not survive the loss of ${anyText(any)}${pod.survives > 0 ? `, but of ${anyText(pod.survives)}` : ''}`;
  }
}

const waitingText = ({ waiting }: PodHeadRoom): string =>
  waiting === 0
    ? ''
    : `; ${plural(waiting, 'instance')} on it would wait for ${waiting === 1 ? 'its node' : 'their nodes'}`;

const provedText = ({ survives }: PodHeadRoom): string =>
  survives === 0 ? 'not known' : `survives the loss of at least ${anyText(survives)}`;

export function headRoomVerdict({ pods, any }: HeadRoom): string {
  const named = (verdict: PodHeadRoom['verdict']): string => {
    const names = pods.filter((pod) => pod.verdict === verdict).map(({ pod }) => pod);
    return `${names.length === 1 ? 'pod' : 'pods'} ${someNames(names, 10)}`;
  };
  if (pods.some(({ verdict }) => verdict === 'fails'))
    return `Not every ${any === 1 ? 'node' : `combination of ${any} nodes`} may be lost: see ${named('fails')}.`;
  if (pods.some(({ verdict }) => verdict === 'unknown'))
    return `Not proved for ${named('unknown')}: not every loss could be tried.`;
  return `Survives the loss of ${anyText(any)} of a pod: whatever may be made anew finds room.`;
}
