import { formatDuration } from '../model/units.ts';
import type { WorkloadExplanation } from '../plan/explain/workload.ts';
import { dimensionLabel, formatAbout } from './amounts.ts';
import { balanceTexts } from './explain-instance.ts';
import { elsewhereLines, lines, type Page, saidLines } from './explain-page.ts';
import { dotted, plural, ranges } from './layout.ts';

const mostPlaces = 16;

export function workloadText(explanation: WorkloadExplanation, page: Page): string {
  const { id, type, priority, declaredAt, frozen, replicas, balance, oneMore } = explanation;
  const facts = [
    type,
    ...(priority === undefined ? [] : [`priority ${priority}`]),
    ...(declaredAt === undefined ? [] : [declaredAt]),
  ];
  return [
    `${page.paint.bold(id)}  ${facts.join(', ')}`,
    ...(frozen === undefined
      ? []
      : [page.line('frozen', frozen === 'inFlight' ? 'its unit is under way' : 'by an override')]),
    page.line(
      'replicas',
      `${replicas.wanted} wanted · ${replicas.recorded} recorded · ${replicas.available} available`,
    ),
    ...lines(page, 'revision', revisionTexts(explanation)),
    ...placeLines(explanation, page),
    ...(balance === undefined ? [] : lines(page, 'lies', balanceTexts(balance))),
    ...budgetLines(explanation, page),
    ...quotaLines(explanation, page),
    ...lines(page, 'plan', planTexts(explanation)),
    ...(oneMore === undefined ? [] : elsewhereLines(page, 'one more', oneMore)),
    ...saidLines(page, explanation),
  ].join('\n');
}

function revisionTexts({ revisions }: WorkloadExplanation): readonly string[] {
  const { git, planned, lastGood, failed, pin, running } = revisions;
  const wanted = git === undefined ? 'not in git' : `git wants ${git}`;
  const other = planned === undefined || planned === git ? '' : `, ${planned} is planned`;
  const have = running.map(({ revision, instances }) => `${instances} ${instances === 1 ? 'has' : 'have'} ${revision}`);
  return [
    [`${wanted}${other}`, ...have].join(' · '),
    ...(lastGood === undefined || lastGood === git ? [] : [`last good: ${lastGood}`]),
    ...(pin === undefined ? [] : [`pinned to ${pin.revision ?? '?'} by ${pin.actor}: ${pin.reason}`]),
    ...failed.map(({ revision, reason }) => `${revision} failed its gate: ${reason}`),
  ];
}

function placeLines({ places }: WorkloadExplanation, page: Page): readonly string[] {
  if (places.length === 0) return [];
  const shown = page.all ? places : places.slice(0, mostPlaces);
  const items = shown.map(({ node, instances }) => {
    const down = instances
      .filter(({ status }) => status !== 'running')
      .map(({ ordinal, status }) => `${ordinal} ${status}`);
    return `${node} ${ranges(instances.map(({ ordinal }) => ordinal))}${down.length === 0 ? '' : ` (${down.join(', ')})`}`;
  });
  if (shown.length < places.length) items.push(`… and ${places.length - shown.length} more nodes`);
  return [page.line('on', dotted(items))];
}

function budgetLines({ budget, type }: WorkloadExplanation, page: Page): readonly string[] {
  if (budget === undefined || type === 'daemon' || budget.of === 0) return [];
  const { of, available, maxUnavailable, by } = budget;
  const down = of - available;
  const left = Math.max(0, maxUnavailable - down);
  const rule = by === 'policy' ? 'by the rule of its namespace' : 'as it says itself';
  const now =
    down === 0
      ? ''
      : `; ${down} ${down === 1 ? 'is' : 'are'} now, so ${left === 0 ? 'nothing more may be taken' : `${left} more may be taken`}`;
  return [page.line('budget', `at most ${maxUnavailable} of ${of} may be unavailable, ${rule}${now}`)];
}

function quotaLines({ quotas }: WorkloadExplanation, page: Page): readonly string[] {
  return lines(
    page,
    'quota',
    quotas.map(({ name, dimension, used, limit, own }) => {
      const full = used >= limit ? page.paint.bad(' full') : '';
      return `${name}: ${dimensionLabel(dimension)} ${formatAbout(dimension, used)} of ${formatAbout(dimension, limit)}, ${formatAbout(dimension, own)} its own${full}`;
    }),
  );
}

function planTexts({ unit }: WorkloadExplanation): readonly string[] {
  if (unit === undefined) return ['nothing to do'];
  const counts = Object.entries(unit.steps).map(([kind, count]) => `${count} to ${kind}`);
  const lowest = unit.lowest === undefined ? '' : `; at the lowest ${unit.lowest.lowest} of ${unit.lowest.of} serve`;
  const worst = unit.worstCaseMs > 0 ? `; at worst ${formatDuration(unit.worstCaseMs)}` : '';
  return [
    `${counts.join(', ')} in ${plural(unit.waves, 'wave')}${lowest}${worst}`,
    ...unit.reasons.slice(0, mostReasons),
  ];
}

const mostReasons = 5;
