import type { CapacityRow, NodeExplanation } from '../plan/explain/node.ts';
import { dimensionLabel, formatAbout } from './amounts.ts';
import { lines, nextText, type Page, saidLines, someOf } from './explain-page.ts';
import { columns, dotted, plural, ranges } from './layout.ts';

const mostSteps = 8;

export function nodeText(explanation: NodeExplanation, page: Page): string {
  const { name, declared, liveness, engines, closed, foreign, drain } = explanation;
  return [
    `${page.paint.bold(name)}  ${[...placeFacts(declared), liveness].join(', ')}`,
    ...lines(
      page,
      'engines',
      engines.map(({ engine, state }) => `${engine}: ${state}`),
    ),
    page.line('takes', closed === undefined ? 'what fits and may be here' : `nothing new: ${closed}`),
    ...ruleLines(explanation, page),
    ...capacityLines(explanation.capacity, page),
    ...(foreign.length === 0
      ? []
      : [
          page.line(
            'foreign',
            `${plural(foreign.length, 'object')}, charged and never touched: ${someOf(foreign, page)}`,
          ),
        ]),
    ...residentLines(explanation, page),
    ...stepLines(explanation, page),
    ...(drain === undefined ? [] : lines(page, 'drained', drainTexts(drain))),
    ...ifDrainedLines(explanation, page),
    ...saidLines(page, explanation),
  ].join('\n');
}

function placeFacts(declared: NodeExplanation['declared']): readonly string[] {
  if (declared === undefined) return ['left git'];
  const { pod, zone, rack, lifecycle } = declared;
  return [
    `pod ${pod}`,
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(rack === undefined ? [] : [`rack ${rack}`]),
    lifecycle,
  ];
}

function ruleLines({ declared }: NodeExplanation, page: Page): readonly string[] {
  const labels = Object.entries(declared?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const taints = (declared?.taints ?? []).map(({ key, value }) => `${key}=${value}`);
  return [
    ...(labels.length === 0 ? [] : [page.line('labels', labels)]),
    ...(taints.length === 0 ? [] : [page.line('taints', taints)]),
  ];
}

function capacityLines(capacity: readonly CapacityRow[], page: Page): readonly string[] {
  const rows = capacity.map(({ dimension, total, used, foreign, top }) => [
    dimensionLabel(dimension),
    total === undefined
      ? `${formatAbout(dimension, used)} used, of nobody knows how much`
      : `${formatAbout(dimension, used)} of ${formatAbout(dimension, total)}`,
    total === undefined || total === 0 ? '' : `${Math.round((100 * used) / total)} %`,
    [
      ...top.map(({ workload, amount }) => `${workload} ${formatAbout(dimension, amount)}`),
      ...(foreign > 0 ? [`not ours ${formatAbout(dimension, foreign)}`] : []),
    ].join(', '),
  ]);
  return lines(
    page,
    'capacity',
    columns(rows).map((row) => [row]),
  );
}

function residentLines({ residents }: NodeExplanation, page: Page): readonly string[] {
  if (residents.length === 0) return [page.line('runs', 'nothing of ours')];
  const items = residents.map(({ workload, instances }) => {
    const down = instances
      .filter(({ status }) => status !== 'running')
      .map(({ ordinal, status }) => `${ordinal} ${status}`);
    return `${workload} ${ranges(instances.map(({ ordinal }) => ordinal))}${down.length === 0 ? '' : ` (${down.join(', ')})`}`;
  });
  return [page.line('runs', dotted(items))];
}

function stepLines({ coming, leaving }: NodeExplanation, page: Page): readonly string[] {
  const texts = (steps: NodeExplanation['coming']): readonly string[] => {
    const shown = page.all ? steps : steps.slice(0, mostSteps);
    const rest = steps.length - shown.length;
    return [
      ...shown.map((step) => `${step.instance}: ${nextText(step)}`),
      ...(rest > 0 ? [`… and ${rest} more (--all)`] : []),
    ];
  };
  return [...lines(page, 'coming', texts(coming)), ...lines(page, 'leaving', texts(leaving))];
}

const drainTexts = ({ units, blocked }: NonNullable<NodeExplanation['drain']>): readonly string[] => [
  units.length === 0 ? 'nothing of it is moved by this plan' : `through ${units.join(', ')}`,
  ...blocked.map(({ instance, reason }) => `stays: ${instance}: ${reason}`),
];

function ifDrainedLines({ ifDrained }: NodeExplanation, page: Page): readonly string[] {
  if (ifDrained === undefined) return [];
  const { moves, stays, stops } = ifDrained;
  const count = moves.length + stays.length + stops.length;
  if (count === 0) return [page.line('if drained', 'nothing would have to go elsewhere')];
  const shown = page.all ? moves : moves.slice(0, mostSteps);
  const items = shown.map(({ instance, to }) => `${instance} → ${to}`);
  if (shown.length < moves.length) items.push(`… and ${moves.length - shown.length} more`);
  return lines(page, 'if drained', [
    `${moves.length} of ${plural(count, 'instance')} would find another place`,
    ...(items.length === 0 ? [] : [dotted(items)]),
    ...stops.map((instance) => `${instance} is static: it would stop here, and start again when the node is back`),
    ...stays.map(({ instance, reason }) => `stays: ${instance}: ${reason}`),
  ]);
}
