import { commitsText } from '../model/commits.ts';
import { workloadOfUnit } from '../model/ids.ts';
import { isEmptyPlan, type Plan } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import { columns, hang, plural } from './layout.ts';
import { someNames } from './plan-drains.ts';
import { type Chain, longestChain } from './plan-longest.ts';
import { moreText, openPage, type Page, type PlanTextOptions, paintKind } from './plan-page.ts';
import { drainSection, refusalSection, usesSection, warningSection } from './plan-text-sections.ts';
import { unitSection } from './plan-text-unit.ts';
import { capacityRows, quotaRows } from './plan-uses.ts';
import { type HiddenUnits, isDown, type UnitView, viewUnits } from './plan-view.ts';
import { causeText, shortPlanId, symbols, verdict } from './plan-words.ts';

/** A plan must fit a person's patience, not only the screen: of more workloads than this only some are shown whole. */
const mostUnits = 40;
const shownOfMany = 15;

/** A plan as a person reads it on a terminal, ending with the verdict. */
export function renderPlanText(plan: Plan, options: PlanTextOptions): string {
  const page = openPage(options);
  const { shown, hidden } = viewUnits(plan, page.all || plan.units.length <= mostUnits ? undefined : shownOfMany);
  const sections = [
    header(plan, page),
    ...shown.map((unit) => unitSection(unit, page)),
    hidden === undefined ? '' : hiddenSection(hidden, page),
    refusalSection(plan, page),
    drainSection(plan, page),
    usesSection('Quota', quotaRows(plan), page),
    usesSection('Capacity', capacityRows(plan), page),
    warningSection(plan, shown, page),
    [...longestLines(plan, shown, page), verdictLine(plan, page)].join('\n'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function header(plan: Plan, { paint, width }: Page): string {
  const commits = commitsText(plan.basis.commits);
  const facts = [commits, `plan ${shortPlanId(plan.id)}`, `store revision ${plan.basis.storeRevision}`];
  return `${paint.bold(`Plan for cluster ${plan.cluster}`)}\n${hang('  ', paint.dim(facts.filter(Boolean).join(' · ')), width)}`;
}

/** What the workloads do that are not shown, added up. */
function hiddenSection({ units, work, worstCaseMs, mostUnavailable }: HiddenUnits, page: Page): string {
  const rows = work.map(({ first, steps, units: among }) => [
    `  ${paintKind(first, symbols[first.kind], page.paint)}`,
    `${first.kind} ${steps}`,
    causeText(first.cause),
    plural(among, 'workload'),
  ]);
  const missed = mostUnavailable === 0 ? 'no instance' : `at most ${plural(mostUnavailable, 'instance')}`;
  return [
    moreText(units, page, 'workloads'),
    ...columns(rows),
    hang(
      '  ',
      `Each has ${missed} unavailable meanwhile, and takes ${formatDuration(worstCaseMs)} at worst.`,
      page.width,
    ),
  ].join('\n');
}

/** How long it takes at worst, and of which workloads nobody serves for a while: what to know before saying yes. */
function longestLines(plan: Plan, shown: readonly UnitView[], { paint, width, all }: Page): readonly string[] {
  if (shown.length < 2) return [];
  const chain = longestChain(plan);
  const down = plan.units.filter(({ id }) => isDown(plan, id)).map(({ id }) => workloadOfUnit(id));
  return [
    ...(chain === undefined || chain.worstCaseMs === 0
      ? []
      : [hang('', `Longest: ${chainText(chain)}: ${formatDuration(chain.worstCaseMs)} at worst.`, width)]),
    ...(down.length === 0
      ? []
      : [hang('', paint.warn(`Nobody serves for a while: ${someNames(down, { all })}.`), width)]),
  ];
}

const mostInChain = 4;

function chainText({ units }: Chain): string {
  if (units.length <= mostInChain) return units.join(', then ');
  return [units[0], `${units.length - 2} others`, units.at(-1)].join(', then ');
}

function verdictLine(plan: Plan, { paint, width }: Page): string {
  const text = hang('', verdict(plan), width);
  if (plan.refusals.length > 0) return paint.bold(paint.bad(text));
  return isEmptyPlan(plan) ? paint.bold(paint.good(text)) : paint.bold(text);
}
