import { isEmptyPlan, type Plan } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import { dimensionLabel, formatAbout } from './amounts.ts';
import { markdownCell, markdownText } from './escape.ts';
import { fieldLines } from './field-diff.ts';
import { plural, ranges } from './layout.ts';
import { nearestText, reasonsText, saysNearest, useText } from './plan-text.ts';
import {
  causeText,
  commitsText,
  ordinalOf,
  type StepGroup,
  shortPlanId,
  symbols,
  type UnitView,
  verdict,
  viewUnits,
  waveShape,
  withSubject,
} from './plan-view.ts';

/** GitHub refuses comments over 65,536 characters; what else a bot adds must fit as well. */
const mostBytes = 60_000;
const mostTableRows = 100;
const mostFieldLines = 200;

/**
 * What a pull request shows: the verdict first, details folded. Always under 60 KB: details of the last workloads are
 * left out when they do not fit, and the text says so.
 */
export function renderPlanMarkdown(plan: Plan): string {
  const { shown: units } = viewUnits(plan);
  const head = [title(plan), refusals(plan), summaryTable(plan, units)];
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
  const hidden = units.length - details.length;
  const cut =
    hidden === 0
      ? ''
      : `_Cut to fit a comment: the details of ${plural(hidden, 'more workload')} are in the plan itself (\`muster plan -o json\`)._`;
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
    const reasons = reasonsText(refusal);
    const details = [
      ...(reasons === '' ? [] : [`ruled out: ${reasons}`]),
      ...(refusal.nearest === undefined || saysNearest(refusal) ? [] : [`nearest: ${nearestText(refusal.nearest)}`]),
    ];
    const more = details.length === 0 ? '' : `<br>${markdownText(details.join('; '))}`;
    return `- ❌ ${markdownText(withSubject(refusal))} (${refusal.code})${more}`;
  });
  const hidden = plan.refusals.length - shown.length;
  return ['#### Refused', '', ...lines, ...(hidden > 0 ? [`- … and ${hidden} more`] : [])].join('\n');
}

function summaryTable(plan: Plan, units: readonly UnitView[]): string {
  if (units.length === 0) return '';
  const shown = units.slice(0, mostTableRows);
  const rows = shown.map((view) => {
    const counts = view.groups.map(({ first, steps }) => `${symbols[first.kind]} ${steps.length} ${first.kind}`);
    const lowest = view.lowest === undefined ? '' : `${view.lowest.lowest} of ${view.lowest.of}`;
    const time = view.unit.worstCaseMs > 0 ? formatDuration(view.unit.worstCaseMs) : '';
    return `| ${markdownCell(view.unit.id)} | ${markdownCell(counts.join(', '))} | ${waveShape(view.waveSizes)} | ${lowest} | ${time} |`;
  });
  const hidden = units.length - shown.length;
  return [
    '| workload | changes | waves | lowest availability | at worst |',
    '|---|---|---|---|---|',
    ...rows,
    ...(hidden > 0 ? [`| … and ${hidden} more | | | | |`] : []),
    ...(plan.summary.unchanged > 0 ? ['', `${plural(plan.summary.unchanged, 'instance')} unchanged.`] : []),
  ].join('\n');
}

function unitDetails(view: UnitView): string {
  const waves = view.unit.waves.map((wave, index) => {
    const gate = wave.gate === 'healthy' ? ', then healthy' : '';
    const watch = wave.observeMs > 0 ? `, watched ${formatDuration(wave.observeMs)}` : '';
    return `${index + 1}. ${plural(wave.steps.length, 'step')}${gate}${watch}`;
  });
  const shownWaves =
    waves.length <= 12
      ? waves
      : [...waves.slice(0, 10), `… ${waves.length - 10} more waves: ${waveShape(view.waveSizes)}`];
  const after = view.unit.after.length === 0 ? '' : `after ${view.unit.after.map((id) => `\`${id}\``).join(', ')}`;
  return [
    `<details><summary><b>${markdownText(view.unit.id)}</b>: ${plural(view.stepCount, 'step')}</summary>`,
    '',
    '```diff',
    ...view.groups.flatMap(groupLines),
    '```',
    '',
    ...[after].filter((text) => text !== ''),
    ...(view.unit.waves.length > 1 || waves.some((wave) => wave.includes(','))
      ? ['Waves:', '', ...shownWaves, '']
      : []),
    ...view.notes.map((note) => `> ${markdownText(note.message)} (${note.code})`),
    '</details>',
  ].join('\n');
}

function groupLines(group: StepGroup): readonly string[] {
  const { first, steps } = group;
  const sign = first.kind === 'create' ? '+' : first.kind === 'remove' || first.kind === 'stop' ? '-' : '!';
  const why = ['', causeText(first.cause)].includes(group.reason ?? '') ? '' : `: ${group.reason}`;
  const lines = [
    `${sign} ${first.kind} ${ranges(steps.map((step) => ordinalOf(step.instance)))} (${causeText(first.cause)}, ${first.order}${first.forced === true ? ', forced' : ''})${why}`,
  ];
  for (const field of fieldLines(first.changes)) {
    if (field.kind === 'text') lines.push(`  ${field.label}:`, ...field.lines);
    else {
      if (field.before !== undefined) lines.push(`-   ${field.label}: ${field.before}`);
      if (field.after !== undefined) lines.push(`+   ${field.label}: ${field.after}`);
    }
  }
  const nodes = steps
    .slice(0, 24)
    .map((step) => `${ordinalOf(step.instance)} ${step.from === undefined ? '' : `${step.from} → `}${step.node}`);
  lines.push(`  ${nodes.join(', ')}${steps.length > 24 ? `, … and ${steps.length - 24} more` : ''}`);
  const safe = lines.map((line) => line.replaceAll('```', "'''"));
  return safe.length <= mostFieldLines
    ? safe
    : [...safe.slice(0, mostFieldLines), `  … and ${safe.length - mostFieldLines} more lines`];
}

function drains(plan: Plan): string {
  if (plan.goals.length === 0) return '';
  const lines = plan.goals.map((goal) => {
    const blocked = goal.blocked
      .map((item) => `<br>stays: ${markdownText(item.instance)}: ${markdownText(item.reason)}`)
      .join('');
    return `- **${markdownText(goal.node)}** through ${goal.units.map((id) => `\`${id}\``).join(', ') || 'nothing left to move'}${blocked}`;
  });
  return ['#### Drains', '', ...lines].join('\n');
}

function uses(plan: Plan): string {
  const quota = plan.quota
    .filter((use) => use.before !== use.after || use.peak > use.after)
    .map(
      (use) =>
        `| quota ${markdownCell(use.name)} | ${dimensionLabel(use.dimension)} | ${useText(use)} | ${formatAbout(use.dimension, use.limit)} |`,
    );
  const capacity = plan.capacity
    .filter((use) => use.before !== use.after)
    .map(
      (use) =>
        `| pod ${markdownCell(use.pod)} | ${dimensionLabel(use.dimension)} | ${useText(use)} | ${formatAbout(use.dimension, use.total)} |`,
    );
  const rows = [...quota, ...capacity];
  if (rows.length === 0) return '';
  return [
    '<details><summary>Quota and capacity</summary>',
    '',
    '| | resource | before → after | limit |',
    '|---|---|---|---|',
    ...rows.slice(0, mostTableRows),
    '',
    '</details>',
  ].join('\n');
}

function warnings(plan: Plan): string {
  if (plan.warnings.length === 0) return '';
  const shown = plan.warnings.slice(0, mostTableRows);
  const lines = shown.map((warning) => `- ⚠️ ${markdownText(withSubject(warning))} (${warning.code})`);
  const hidden = plan.warnings.length - shown.length;
  return ['#### Warnings', '', ...lines, ...(hidden > 0 ? [`- … and ${hidden} more`] : [])].join('\n');
}

const footer = (plan: Plan): string =>
  `<sub>plan \`${shortPlanId(plan.id)}\` · ${markdownText(commitsText(plan.basis.commits))} · store revision ${plan.basis.storeRevision} · expires ${plan.expiresAt}</sub>`;
