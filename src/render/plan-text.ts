import { isEmptyPlan, type Plan, type Refusal, type Step } from '../model/plan.ts';
import { type Holds, resourcesOf } from '../model/recorded.ts';
import { piecesOf } from '../model/resources.ts';
import { formatDuration } from '../model/units.ts';
import { dimensionLabel, formatAbout, formatResources } from './amounts.ts';
import { type FieldLine, fieldLines } from './field-diff.ts';
import { columns, hang, padEnd, plural, ranges, usableWidth, visibleLength } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import {
  causeText,
  commitsText,
  generalWarnings,
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

export interface PlanTextOptions {
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width?: number | undefined;
  /** Show everything, however long. */
  readonly all?: boolean | undefined;
}

/** How much is shown before "… and N more": a plan must fit a person's patience, not only the screen. */
const mostUnits = 40;
const mostInstances = 16;
const mostInstanceLines = 5;
const mostRefusals = 30;
const mostDiffLines = 40;

interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly all: boolean;
}

/** A plan as a person reads it on a terminal, ending with the verdict. */
export function renderPlanText(plan: Plan, options: PlanTextOptions): string {
  const page: Page = {
    width: usableWidth(options.width),
    paint: createPaint(options),
    all: options.all ?? false,
  };
  const sections = [
    header(plan, page),
    ...unitSections(plan, page),
    refusalSection(plan, page),
    drainSection(plan, page),
    quotaSection(plan, page),
    capacitySection(plan, page),
    warningSection(plan, page),
    verdictSection(plan, page),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function header(plan: Plan, { paint, width }: Page): string {
  const commits = commitsText(plan.basis.commits);
  const facts = [commits, `plan ${shortPlanId(plan.id)}`, `store revision ${plan.basis.storeRevision}`];
  return `${paint.bold(`Plan for cluster ${plan.cluster}`)}\n${hang('  ', paint.dim(facts.filter(Boolean).join(' · ')), width)}`;
}

function unitSections(plan: Plan, page: Page): readonly string[] {
  const { shown, hidden } = viewUnits(plan, page.all ? undefined : mostUnits);
  const more = hidden === 0 ? [] : [moreText(hidden, page, 'workloads')];
  return [...shown.map((unit) => unitSection(unit, page)), ...more];
}

const moreText = (hidden: number, { paint }: Page, what: string): string =>
  paint.dim(`… and ${hidden} more ${what} (muster show PLAN --all, or -o json)`);

function unitSection(view: UnitView, page: Page): string {
  const { paint, width } = page;
  const waves = view.unit.waves.length;
  const size = `${plural(view.stepCount, 'instance')}${waves > 1 ? ` in ${waves} waves` : ''}`;
  const counts = view.groups.map(
    ({ first, steps }) => `${paintKind(first, symbols[first.kind], paint)} ${steps.length}`,
  );
  const [single] = view.groups;
  const title =
    view.groups.length === 1 && single !== undefined
      ? `${paintKind(single.first, symbols[single.first.kind], paint)} ${size}`
      : `${counts.join(', ')}: ${size}`;
  const lines = [hang(`${paint.bold(view.unit.id)}  `, title, width)];
  for (const group of view.groups) lines.push(groupSection(group, page));
  const facts = unitFacts(view);
  for (const [label, text] of facts) lines.push(hang(`  ${padEnd(label, 13)}`, text, width));
  for (const note of view.notes)
    lines.push(hang(`  ${paint.warn(padEnd('note', 13))}`, `${note.message} (${note.code})`, width));
  return lines.join('\n');
}

function unitFacts(view: UnitView): readonly (readonly [string, string])[] {
  const { unit } = view;
  const gated = unit.waves.some((wave) => wave.gate === 'healthy');
  const observed = unit.waves.map((wave) => wave.observeMs).filter((ms) => ms > 0);
  const watch =
    observed.length === 0
      ? ''
      : `; watched ${formatDuration(Math.max(...observed))} after ${plural(observed.length, 'wave')}`;
  const gate = gated ? (unit.waves.length > 1 ? ', each healthy before the next' : ', until healthy') : '';
  return [
    ...(unit.after.length > 0 ? [['after', unit.after.join(', ')] as const] : []),
    ...(gated || unit.waves.length > 1 ? [['waves', `${waveShape(view.waveSizes)}${gate}${watch}`] as const] : []),
    ...(view.lowest === undefined ? [] : [['lowest', `${view.lowest.lowest} of ${view.lowest.of} available`] as const]),
    ...(unit.worstCaseMs > 0 ? [['at worst', formatDuration(unit.worstCaseMs)] as const] : []),
  ];
}

function groupSection(group: StepGroup, page: Page): string {
  const { paint, width } = page;
  const { first, steps } = group;
  const symbol = paintKind(first, padEnd(symbols[first.kind], 3), paint);
  const title = `${first.kind} ${steps.length === 1 ? 'instance' : `${steps.length} instances`} ${clipRanges(steps, page)}`;
  const traits = [
    causeText(first.cause),
    ...(first.order === 'in-place' ? [] : first.replaces === undefined ? [] : [first.order]),
    ...(first.kind === 'update' || first.kind === 'replace' ? [first.class] : []),
    ...(first.forced === true ? ['forced: waits for no budget'] : []),
    ...(first.undo === 'final' ? ['cannot be undone'] : []),
  ];
  const why = ['', causeText(first.cause)].includes(group.reason ?? '') ? '' : `: ${group.reason}`;
  const lines = [hang(`  ${symbol} `, `${title} ${paint.dim(`(${traits.join(', ')})`)}${why}`, width)];
  for (const line of fieldLines(first.changes)) lines.push(fieldText(line, page));
  const held = sharedHolds(group);
  if (held !== '' && (first.kind === 'create' || first.kind === 'move'))
    lines.push(hang('        holds ', paint.dim(held), width));
  lines.push(instanceLines(group, page));
  return lines.join('\n');
}

const clipRanges = (steps: readonly Step[], page: Page): string => {
  const text = ranges(steps.map((step) => ordinalOf(step.instance)));
  return page.all || text.length <= 40 ? text : `${text.slice(0, text.lastIndexOf(',', 40))}, …`;
};

function sharedHolds(group: StepGroup): string {
  const texts = new Set(group.steps.map((step) => formatResources(piecesOf(resourcesOf(step.holds)))));
  const [only] = texts;
  return texts.size === 1 && only !== undefined && only !== '' ? `${only}${group.steps.length > 1 ? ' each' : ''}` : '';
}

function fieldText(line: FieldLine, { paint, width }: Page): string {
  if (line.kind === 'text') {
    const shown = line.lines.slice(0, mostDiffLines);
    const rest = line.lines.length - shown.length;
    const body = shown.map(
      (text) =>
        `          ${text.startsWith('+') ? paint.good(text) : text.startsWith('-') ? paint.bad(text) : paint.dim(text)}`,
    );
    return [
      `        ${line.label}:`,
      ...body,
      ...(rest > 0 ? [`          … and ${plural(rest, 'more line', 'more lines')}`] : []),
    ].join('\n');
  }
  const label = `        ${padEnd(line.label, 18)} `;
  if (line.before === undefined) return hang(label, `${paint.good(`+ ${line.after}`)}`, width);
  if (line.after === undefined) return hang(label, `${paint.bad(`- ${line.before}`)}`, width);
  const text = `${line.before} ${paint.changed('→')} ${line.after}`;
  const fits = visibleLength(label) + visibleLength(text) <= width;
  if (fits) return label + text;
  return [
    `${label.trimEnd()}`,
    `          ${paint.bad(`- ${line.before}`)}`,
    `          ${paint.good(`+ ${line.after}`)}`,
  ].join('\n');
}

/** A few instances get a line each with what they hold; many are listed as `ordinal node`. */
function instanceLines(group: StepGroup, page: Page): string {
  const { paint, width } = page;
  if (group.steps.length <= mostInstanceLines) {
    const rows = group.steps.map((step) => [
      String(ordinalOf(step.instance)),
      place(step, paint),
      [endpoints(step.holds), group.reason === undefined ? step.reason : ''].filter(Boolean).join('  '),
    ]);
    return columns(rows)
      .map((row) => `        ${row}`)
      .join('\n');
  }
  const shown = page.all ? group.steps : group.steps.slice(0, mostInstances);
  const hidden = group.steps.length - shown.length;
  const list = shown.map(
    (step, index) => `${ordinalOf(step.instance)} ${place(step, paint)}${index < shown.length - 1 ? ' ·' : ''}`,
  );
  return hang('        ', list, width) + (hidden > 0 ? `\n        ${moreText(hidden, page, 'instances')}` : '');
}

const place = (step: Step, paint: Paint): string =>
  step.from === undefined || step.from === step.node ? step.node : `${step.from} ${paint.moved('→')} ${step.node}`;

function endpoints(holds: Holds): string {
  const ports = Object.entries(holds.ports ?? {}).map(([name, port]) => `${name}:${port}`);
  return [...ports, ...(holds.ip === undefined ? [] : [holds.ip])].join(' ');
}

function refusalSection(plan: Plan, page: Page): string {
  if (plan.refusals.length === 0) return '';
  const shown = page.all ? plan.refusals : plan.refusals.slice(0, mostRefusals);
  const hidden = plan.refusals.length - shown.length;
  return [
    page.paint.bold(page.paint.bad('Refused')),
    ...shown.map((refusal) => refusalText(refusal, page)),
    ...(hidden > 0 ? [moreText(hidden, page, 'refusals')] : []),
  ].join('\n');
}

function refusalText(refusal: Refusal, { paint, width }: Page): string {
  const lines = [hang(`  ${paint.bad('!')} `, `${withSubject(refusal)} ${paint.dim(refusal.code)}`, width)];
  const reasons = reasonsText(refusal);
  if (reasons !== '') lines.push(hang('      ruled out  ', reasons, width));
  if (refusal.nearest !== undefined && !saysNearest(refusal))
    lines.push(hang('      nearest    ', nearestText(refusal.nearest), width));
  return lines.join('\n');
}

/** `memory 12 nodes, label 28 nodes`, the most frequent first; nothing where the message says it already. */
export const reasonsText = (refusal: Refusal): string =>
  refusal.message.includes(' not fit: ')
    ? ''
    : Object.entries(refusal.byReason)
        .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
        .map(([reason, count]) => `${dimensionLabel(reason)} ${plural(count, 'node')}`)
        .join(', ');

/** The planner's own message often names the nearest miss: it is not said twice. */
export const saysNearest = (refusal: Refusal): boolean => refusal.message.includes('nearest: ');

/** `web-a-07 lacks memory 2 GiB` */
export const nearestText = (nearest: NonNullable<Refusal['nearest']>): string =>
  `${nearest.node} lacks ${formatResources(nearest.missing) || 'nothing but a free place'}`;

function drainSection(plan: Plan, { paint, width }: Page): string {
  if (plan.goals.length === 0) return '';
  const lines = plan.goals.flatMap((goal) => {
    const units = goal.units.length === 0 ? 'nothing left to move' : `through ${goal.units.join(', ')}`;
    return [
      hang(`  ${paint.moved('→')} `, `${paint.bold(goal.node)} ${units}`, width),
      ...goal.blocked.map((blocked) => hang('      stays  ', `${blocked.instance}: ${blocked.reason}`, width)),
    ];
  });
  return [paint.bold('Drains'), ...lines].join('\n');
}

function quotaSection(plan: Plan, { paint }: Page): string {
  const rows = plan.quota
    .filter((use) => use.before !== use.after || use.peak > Math.max(use.before, use.after))
    .map((use) => [
      `  ${use.name}`,
      dimensionLabel(use.dimension),
      useText(use),
      `of ${formatAbout(use.dimension, use.limit)}`,
      use.peak > use.limit ? paint.bad('over') : '',
    ]);
  return rows.length === 0 ? '' : [paint.bold('Quota'), ...columns(rows)].join('\n');
}

function capacitySection(plan: Plan, { paint }: Page): string {
  const rows = plan.capacity
    .filter((use) => use.before !== use.after)
    .map((use) => [
      `  ${use.pod}`,
      dimensionLabel(use.dimension),
      useText(use),
      `of ${formatAbout(use.dimension, use.total)}`,
      paint.dim(use.total > 0 ? `${Math.round((100 * use.after) / use.total)} %` : ''),
    ]);
  return rows.length === 0 ? '' : [paint.bold('Capacity'), ...columns(rows)].join('\n');
}

/** `before → after`, and the peak on the way when it is above both. */
export function useText(use: {
  readonly dimension: Plan['quota'][number]['dimension'];
  readonly before: number;
  readonly peak: number;
  readonly after: number;
}): string {
  const amount = (value: number): string => formatAbout(use.dimension, value);
  const peak = use.peak > Math.max(use.before, use.after) ? ` (peak ${amount(use.peak)})` : '';
  return `${amount(use.before)} → ${amount(use.after)}${peak}`;
}

function warningSection(plan: Plan, { paint, width }: Page): string {
  const warnings = generalWarnings(plan);
  if (warnings.length === 0) return '';
  const lines = warnings.map((warning) =>
    hang(`  ${paint.warn('▲')} `, `${withSubject(warning)} ${paint.dim(warning.code)}`, width),
  );
  return [paint.bold(paint.warn('Warnings')), ...lines].join('\n');
}

function verdictSection(plan: Plan, { paint, width }: Page): string {
  const text = hang('', verdict(plan), width);
  if (plan.refusals.length > 0) return paint.bold(paint.bad(text));
  return isEmptyPlan(plan) ? paint.bold(paint.good(text)) : paint.bold(text);
}

function paintKind(step: Step, text: string, paint: Paint): string {
  switch (step.kind) {
    case 'create':
      return paint.good(text);
    case 'stop':
    case 'remove':
      return paint.bad(text);
    case 'move':
      return paint.moved(text);
    case 'forget':
      return paint.dim(text);
    default:
      return paint.changed(text);
  }
}
