import type { HeadRoom, PodHeadRoom } from '../plan/simulate/head-room.ts';
import { type Hit, isBelowBudget, isOutage } from '../plan/simulate/hit.ts';
import type { Simulation } from '../plan/simulate.ts';
import { hang, padEnd, plural, ranges, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import { ordinalOf } from './plan-view.ts';
import {
  anyText,
  availableText,
  basisText,
  headRoomVerdict,
  lossTitle,
  nearestOf,
  podText,
  refusalText,
  shortText,
  simulationVerdict,
  someNames,
  worstFirst,
} from './simulate-words.ts';

export interface SimulateTextOptions {
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width?: number | undefined;
  /** Show everything, however long. */
  readonly all?: boolean | undefined;
  /** The zones that the question named. */
  readonly zones?: readonly string[] | undefined;
}

const mostWorkloads = 30;
const mostInstances = 12;
const mostFailures = 5;
const mostRisks = 10;

interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly all: boolean;
}

const openPage = (options: SimulateTextOptions): Page => ({
  width: usableWidth(options.width),
  paint: createPaint(options),
  all: options.all ?? false,
});

/** What a loss does, as a person reads it on a terminal, ending with the verdict. */
export function renderSimulationText(simulation: Simulation, options: SimulateTextOptions): string {
  const page = openPage(options);
  const { paint, width } = page;
  const hits = worstFirst(simulation.workloads);
  const shown = page.all ? hits : hits.slice(0, mostWorkloads);
  const sections = [
    titleSection(
      `Cluster ${simulation.cluster} ${lossTitle(simulation, options.zones ?? [])}`,
      basisText(simulation.basis),
      page,
    ),
    ...shown.map((hit) => hitSection(hit, page)),
    moreSection(hits.length - shown.length, page),
    refusalSection(simulation, page),
    paint.bold((simulation.survives ? paint.good : paint.bad)(hang('', simulationVerdict(simulation), width))),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

const titleSection = (title: string, basis: string, { paint, width }: Page): string =>
  `${hang('', paint.bold(title), width)}\n${hang('  ', paint.dim(basis), width)}`;

const moreSection = (hidden: number, { paint }: Page): string =>
  hidden === 0 ? '' : paint.dim(`… and ${plural(hidden, 'more workload')} (--all, or -o json)`);

function hitSection(hit: Hit, page: Page): string {
  const { paint, width } = page;
  const line = (label: string, text: string | readonly string[], mark = ' '): string =>
    hang(`  ${mark} ${padEnd(label, 11)}`, text, width);
  const bad = isOutage(hit) || isBelowBudget(hit);
  return [
    `${paint.bold(hit.workload)}  ${hit.type === 'stateless' ? '' : `${hit.type}, `}loses ${ordinals(hit.lost)}`,
    ...(hit.type === 'daemon' ? [] : [line('available', availableText(hit), bad ? paint.warn('▲') : ' ')]),
    ...hit.refusals.map((refusal) => line('no room', refusalText(refusal), paint.bad('!'))),
    ...(hit.remade.length === 0 ? [] : [line('made anew', placesText(hit, page), paint.moved('→'))]),
    ...waits(hit).map((text) => line('waits', text)),
    ...hit.spread.map(({ by, minDomains, domains }) =>
      line('spread', `over ${plural(domains, by)}, and at least ${minDomains} are asked for`, paint.warn('▲')),
    ),
  ].join('\n');
}

const ordinals = (instances: Hit['lost']): string => {
  const [only] = instances;
  return instances.length === 1 && only !== undefined
    ? `instance ${ordinalOf(only)}`
    : `${instances.length} instances: ${ranges(instances.map(ordinalOf))}`;
};

function placesText({ remade }: Hit, { all }: Page): readonly string[] {
  const shown = all ? remade : remade.slice(0, mostInstances);
  const places = shown.map(({ instance, from, to }) => `${ordinalOf(instance)} ${from} → ${to}`);
  if (shown.length < remade.length) places.push(`… and ${remade.length - shown.length} more`);
  return places.map((place, index) => (index < places.length - 1 ? `${place} ·` : place));
}

/** Instances that wait for the same are one line. */
function waits({ waiting, type }: Hit): readonly string[] {
  if (type === 'daemon') return [];
  const byReason = new Map<string, number[]>();
  for (const { instance, reason } of waiting) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), ordinalOf(instance)]);
  }
  return [...byReason].map(([reason, of]) => `${ranges(of)}: ${reason}`);
}

/** What others lose by it, although they lost nothing. */
function refusalSection({ refusals, evicted }: Simulation, { paint, width }: Page): string {
  const lines = [
    ...refusals.map(({ message, code }) => hang(`  ${paint.bad('!')} `, `${message} (${code})`, width)),
    ...(evicted.length === 0
      ? []
      : [hang(`  ${paint.warn('▲')} `, `evicted for more urgent ones: ${someNames(evicted, 10)}`, width)]),
  ];
  return lines.length === 0 ? '' : [paint.bold('Elsewhere'), ...lines].join('\n');
}

/** What may be lost at all, as a person reads it on a terminal. */
export function renderHeadRoomText(room: HeadRoom, options: SimulateTextOptions): string {
  const page = openPage(options);
  const { paint, width } = page;
  const fails = room.pods.some(({ verdict }) => verdict !== 'survives');
  const sections = [
    titleSection(`Head-room of cluster ${room.cluster}: ${anyText(room.any)} of a pod`, basisText(room.basis), page),
    room.pods.map((pod) => podSection(pod, room, page)).join('\n'),
    zoneSection(room, page),
    riskSection(room, page),
    paint.bold((fails ? paint.bad : paint.good)(hang('', headRoomVerdict(room), width))),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function podSection(pod: PodHeadRoom, { any, pods }: HeadRoom, page: Page): string {
  const { paint, width } = page;
  const longest = Math.max(...pods.map(({ pod: name }) => name.length));
  const widest = Math.max(...pods.map(({ nodes }) => plural(nodes, 'node').length));
  const mark = { survives: paint.good('✓'), fails: paint.bad('!'), unknown: paint.warn('?') }[pod.verdict];
  const indent = `  ${mark} ${padEnd(pod.pod, longest)}  `;
  const lines = [hang(`${indent}${padEnd(plural(pod.nodes, 'node'), widest)}  `, podText(pod, any), width)];
  const shown = page.all ? pod.failures : pod.failures.slice(0, mostFailures);
  for (const failure of shown) {
    const near = nearestOf(failure);
    const text = `losing ${someNames(failure.nodes)} ${shortText(failure)}${near === '' ? '' : `; ${near}`}`;
    lines.push(hang('      ', text, width));
  }
  const hidden = pod.failures.length - shown.length;
  if (hidden > 0) lines.push(paint.dim(`      … and ${hidden} more that cannot be lost`));
  if (any === 1 && pod.failures.length > 0 && !pod.complete)
    lines.push(paint.dim('      … and perhaps others: the search ended here'));
  return lines.join('\n');
}

function zoneSection({ zones }: HeadRoom, { paint, width }: Page): string {
  if (zones.length === 0) return '';
  const longest = Math.max(...zones.map(({ zone }) => zone.length));
  const widest = Math.max(...zones.map(({ nodes }) => plural(nodes.length, 'node').length));
  const lines = zones.map((loss) => {
    const near = nearestOf(loss);
    const text = loss.survives ? 'everything finds room again' : `${shortText(loss)}${near === '' ? '' : `; ${near}`}`;
    const mark = loss.survives ? paint.good('✓') : paint.bad('!');
    return hang(
      `  ${mark} ${padEnd(loss.zone, longest)}  ${padEnd(plural(loss.nodes.length, 'node'), widest)}  `,
      text,
      width,
    );
  });
  return [paint.bold('Each zone lost whole'), ...lines].join('\n');
}

function riskSection({ atRisk }: HeadRoom, page: Page): string {
  if (atRisk.length === 0) return '';
  const { paint, width } = page;
  const shown = page.all ? atRisk : atRisk.slice(0, mostRisks);
  const lines = shown.map(({ workload, nodes, available }) => {
    const { left, of, floor } = available;
    return hang(
      `  ${paint.warn('▲')} `,
      `${workload}: losing ${someNames(nodes)} leaves ${left} of ${of} at once; its budget asks for ${floor}`,
      width,
    );
  });
  const more = moreSection(atRisk.length - shown.length, page);
  return [paint.bold('Below their budget until made anew'), ...lines, ...(more === '' ? [] : [`  ${more}`])].join('\n');
}
