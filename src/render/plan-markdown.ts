import { commitsText } from '../model/commits.ts';
import { isEmptyPlan, type Plan } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import { markdownCell, markdownText } from './escape.ts';
import { plural } from './layout.ts';
import { type DrainView, someNames, viewDrains } from './plan-drains.ts';
import { unitDetails } from './plan-markdown-unit.ts';
import { refusalDetails } from './plan-text-sections.ts';
import { capacityRows, fullest, quotaRows, type UseRow } from './plan-uses.ts';
import { type HiddenUnits, type UnitView, viewUnits } from './plan-view.ts';
import { causeText, shortPlanId, symbols, verdict, withSubject } from './plan-words.ts';

/** GitHub refuses comments over 65,536 characters; what else a bot adds must fit as well. */
const mostBytes = 60_000;
const mostTableRows = 100;
const mostDrains = 40;

/**
 * What a pull request shows: the verdict first, details folded. Always under 60 KB: details of the last workloads are
 * left out when they do not fit, and the text says so.
 */
export function renderPlanMarkdown(plan: Plan): string {
  const { shown: units, hidden } = viewUnits(plan, mostTableRows);
  const head = [title(plan), refusals(plan), summaryTable(plan, units, hidden)];
  const tail = [drains(plan), uses(plan), warnings(plan), footer(plan)];
  const fixed = [...head, ...tail].filter((part) => part !== '').join('\n\n');
  let room = mostBytes - byteLength(fixed) - 300;
  const details: string[] = [];
  for (const unit of units) {
    const text = unitDetails(unit);
    room -= byteLength(text) + 2;
    if (room < 0) break;
    details.push(text);
  }
  const left = units.length - details.length + (hidden?.units ?? 0);
  const cut =
    left === 0
      ? ''
      : `_Cut to fit a comment: the details of ${plural(left, 'more workload')} are in the plan itself (\`muster plan -o json\`)._`;
  const text = `${[...head, ...details, cut, ...tail].filter((part) => part !== '').join('\n\n')}\n`;
  return clipBytes(text);
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** The last resort for a plan whose refusals alone are too long. */
function clipBytes(text: string): string {
  if (byteLength(text) <= mostBytes) return text;
  const kept = new TextDecoder().decode(new TextEncoder().encode(text).slice(0, mostBytes - 200));
  return `${kept.slice(0, kept.lastIndexOf('\n'))}\n\n_Cut to fit a comment; the whole plan: \`muster plan -o json\`._\n`;
}

function title(plan: Plan): string {
  const mark = plan.refusals.length > 0 ? '❌' : isEmptyPlan(plan) ? '✅' : '📋';
  return `### ${mark} Muster: cluster \`${plan.cluster}\`\n\n**${markdownText(verdict(plan))}**`;
}

function refusals(plan: Plan): string {
  if (plan.refusals.length === 0) return '';
  const shown = plan.refusals.slice(0, mostTableRows);
  const lines = shown.map((refusal) => {
    const details = refusalDetails(refusal).map(([label, text]) => `${label}: ${text}`);
    const more = details.length === 0 ? '' : `<br>${markdownText(details.join('; '))}`;
    return `- ❌ ${markdownText(withSubject(refusal))} (${refusal.code})${more}`;
  });
  const hidden = plan.refusals.length - shown.length;
  return ['#### Refused', '', ...lines, ...(hidden > 0 ? [`- … and ${hidden} more`] : [])].join('\n');
}

function summaryTable(plan: Plan, units: readonly UnitView[], hidden: HiddenUnits | undefined): string {
  if (units.length === 0) return '';
  const rows = units.map(({ unit, groups, lowest }) => {
    const counts = groups.map(({ first, steps }) => `${symbols[first.kind]} ${steps.length} ${first.kind}`);
    const time = unit.worstCaseMs > 0 ? formatDuration(unit.worstCaseMs) : '';
    return `| ${markdownCell(unit.id)} | ${markdownCell(counts.join(', '))} | ${unit.waves.length} | ${lowestText(lowest)} | ${time} |`;
  });
  return [
    '| workload | changes | waves | lowest availability | at worst |',
    '|---|---|---|---|---|',
    ...rows,
    ...(hidden === undefined ? [] : [hiddenRow(hidden)]),
    ...(plan.summary.unchanged > 0 ? ['', `${plural(plan.summary.unchanged, 'instance')} unchanged.`] : []),
  ].join('\n');
}

function hiddenRow({ units, work, worstCaseMs, mostUnavailable }: HiddenUnits): string {
  const counts = work.map(
    ({ first, steps }) => `${symbols[first.kind]} ${steps} ${first.kind} (${causeText(first.cause)})`,
  );
  const time = worstCaseMs > 0 ? `≤ ${formatDuration(worstCaseMs)}` : '';
  const missed = mostUnavailable === 0 ? '' : `≤ ${mostUnavailable} unavailable`;
  return `| … and ${plural(units, 'more workload')} | ${markdownCell(counts.join(', '))} | | ${missed} | ${time} |`;
}

function lowestText(lowest: UnitView['lowest']): string {
  if (lowest === undefined) return '';
  const text = `${lowest.lowest} of ${lowest.of}`;
  return lowest.lowest === 0 ? `⚠️ ${text}` : text;
}

function drains(plan: Plan): string {
  if (plan.goals.length === 0) return '';
  const { shown, hidden } = viewDrains(plan, mostDrains);
  const blocked = hidden === undefined || hidden.blocked === 0 ? '' : `, ${hidden.blocked} of them blocked`;
  return [
    '#### Drains',
    '',
    ...shown.map(drainLine),
    ...(hidden === undefined
      ? []
      : [`- … and ${plural(hidden.nodes, 'more node')}${blocked}, the longest in ${hidden.takes}`]),
  ].join('\n');
}

function drainLine({ node, takes, units, stays }: DrainView): string {
  const through = units.length === 0 ? '' : `: ${units.map((id) => `\`${id}\``).join(', ')}`;
  const blocked = stays.map(({ instances, reason }) => {
    const verb = instances.length === 1 ? 'stays' : 'stay';
    return `<br>❌ ${markdownText(`${someNames(instances, { all: false })} ${verb}: ${reason}`)}`;
  });
  return `- **${markdownText(node)}** ${takes}${through}${blocked.join('')}`;
}

function uses(plan: Plan): string {
  const quota = quotaRows(plan).map((row) => ({ ...row, name: `quota ${row.name}` }));
  const capacity = capacityRows(plan).map((row) => ({ ...row, name: `pod ${row.name}` }));
  const rows = [...quota, ...capacity];
  if (rows.length === 0) return '';
  const shown = fullest(rows, mostTableRows);
  const hidden = rows.length - shown.length;
  return [
    '<details><summary>Quota and capacity</summary>',
    '',
    '| | resource | before | peak | after | limit | |',
    '|---|---|--:|--:|--:|--:|--:|',
    ...shown.map(useLine),
    ...(hidden > 0 ? [`| … and ${hidden} more, all less full | | | | | | |`] : []),
    '',
    '</details>',
  ].join('\n');
}

const useLine = ({ name, resource, before, peak, after, limit, share, level }: UseRow): string =>
  `| ${markdownCell(name)} | ${markdownCell(resource)} | ${before} | ${peak} | ${after} | ${limit} | ${level === 'usual' ? share : `⚠️ ${share}`} |`;

function warnings(plan: Plan): string {
  if (plan.warnings.length === 0) return '';
  const shown = plan.warnings.slice(0, mostTableRows);
  const lines = shown.map((warning) => `- ⚠️ ${markdownText(withSubject(warning))} (${warning.code})`);
  const hidden = plan.warnings.length - shown.length;
  return ['#### Warnings', '', ...lines, ...(hidden > 0 ? [`- … and ${hidden} more`] : [])].join('\n');
}

const footer = (plan: Plan): string =>
  `<sub>plan \`${shortPlanId(plan.id)}\` · ${markdownText(commitsText(plan.basis.commits))} · store revision ${plan.basis.storeRevision} · expires ${plan.expiresAt}</sub>`;
