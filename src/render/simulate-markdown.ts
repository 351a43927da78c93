import type { HeadRoom } from '../plan/simulate/head-room.ts';
import type { Hit } from '../plan/simulate/hit.ts';
import type { Simulation } from '../plan/simulate.ts';
import { markdownCell, markdownText } from './escape.ts';
import { plural } from './layout.ts';
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

/** A comment on a pull request holds some hundreds of rows; the worst come first. */
const mostRows = 100;

export function renderSimulationMarkdown(
  simulation: Simulation,
  options: { readonly zones?: readonly string[] | undefined },
): string {
  const hits = worstFirst(simulation.workloads);
  const mark = simulation.survives ? '✅' : '❌';
  return joined([
    `### ${mark} Cluster \`${simulation.cluster}\` ${markdownText(lossTitle(simulation, options.zones ?? []))}`,
    `**${markdownText(simulationVerdict(simulation))}**`,
    table(['workload', 'lost', 'available', 'made anew', 'no room', 'waits'], hits.slice(0, mostRows).map(hitRow)),
    more(hits.length - mostRows),
    simulation.refusals.map(({ message, code }) => `- ❌ ${markdownText(message)} (${code})`).join('\n'),
    `<sub>${markdownText(basisText(simulation.basis))}</sub>`,
  ]);
}

const hitRow = (hit: Hit): readonly string[] => [
  hit.workload,
  String(hit.lost.length),
  hit.type === 'daemon' ? 'daemon' : availableText(hit),
  String(hit.remade.length),
  hit.refusals.map(refusalText).join('; '),
  hit.type === 'daemon' || hit.waiting.length === 0 ? '' : `${hit.waiting.length}: ${hit.waiting[0]?.reason ?? ''}`,
];

export function renderHeadRoomMarkdown(room: HeadRoom): string {
  const has = (verdict: HeadRoom['pods'][number]['verdict']): boolean =>
    room.pods.some((pod) => pod.verdict === verdict);
  const mark = has('fails') ? '❌' : has('unknown') ? '⚠️' : '✅';
  const pods = room.pods.map((pod) => [
    `pod ${pod.pod}`,
    plural(pod.nodes, 'node'),
    podText(pod, room.any),
    pod.failures
      .slice(0, 5)
      .map((failure) => `losing ${someNames(failure.nodes)} ${shortText(failure)}`)
      .join('; '),
  ]);
  const zones = room.zones.map((loss) => [
    `zone ${loss.zone}`,
    plural(loss.nodes.length, 'node'),
    loss.survives ? 'everything finds room again' : shortText(loss),
    nearestOf(loss),
  ]);
  const risks = room.atRisk
    .slice(0, mostRows)
    .map(
      ({ workload, nodes, available }) =>
        `- ⚠️ ${markdownText(`${workload}: losing ${someNames(nodes)} leaves ${available.left} of ${available.of} at once; its budget asks for ${available.floor}`)}`,
    );
  return joined([
    `### ${mark} Head-room of cluster \`${room.cluster}\`: ${anyText(room.any)} of a pod`,
    `**${markdownText(headRoomVerdict(room))}**`,
    table(['', '', 'head-room', 'why'], [...pods, ...zones].slice(0, mostRows)),
    risks.join('\n'),
    more(room.atRisk.length - mostRows),
    `<sub>${markdownText(basisText(room.basis))}</sub>`,
  ]);
}

const joined = (parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => line(row.map(markdownCell)))].join(
    '\n',
  );
}

const more = (hidden: number): string => (hidden > 0 ? `_… and ${plural(hidden, 'more workload')}: \`-o json\`_` : '');
