import type { Plan, PlanWarning, Refusal } from '../model/plan.ts';
import { dimensionLabel, formatResources } from './amounts.ts';
import { clip, columns, hang, padEnd, plural, rightColumns, visibleLength } from './layout.ts';
import { type DrainsView, type DrainView, someNames, viewDrains } from './plan-drains.ts';
import { cut, moreText, type Page } from './plan-page.ts';
import { fullest, type UseRow } from './plan-uses.ts';
import { generalWarnings, groupBy, type UnitView } from './plan-view.ts';
import { withSubject } from './plan-words.ts';

const mostRefusals = 30;
const mostDrains = 20;
const mostUses = 24;
const mostWarningsOfACode = 5;

export function refusalSection({ refusals }: Plan, page: Page): string {
  if (refusals.length === 0) return '';
  const shown = cut(refusals, mostRefusals, page);
  const hidden = refusals.length - shown.length;
  return [
    page.paint.bold(page.paint.bad('Refused')),
    ...shown.map((refusal) => refusalText(refusal, page)),
    ...(hidden > 0 ? [moreText(hidden, page, 'refusals')] : []),
  ].join('\n');
}

function refusalText(refusal: Refusal, { paint, width }: Page): string {
  return [
    hang(`  ${paint.bad('!')} `, `${withSubject(refusal)} ${paint.dim(refusal.code)}`, width),
    ...refusalDetails(refusal).map(([label, text]) => hang(`      ${padEnd(label, 11)}`, text, width)),
  ].join('\n');
}

/** What the message of a refusal does not say by itself. */
export function refusalDetails(refusal: Refusal): readonly (readonly [label: string, text: string])[] {
  const { nearest, message } = refusal;
  const reasons = reasonsText(refusal);
  return [
    ...(reasons === '' ? [] : [['ruled out', reasons] as const]),
    ...(nearest === undefined || isWhole(message)
      ? []
      : [
          [
            'nearest',
            `${nearest.node} lacks ${formatResources(nearest.missing) || 'nothing but a free place'}`,
          ] as const,
        ]),
  ];
}

/** The planner's own messages name the reasons and the nearest miss. */
const isWhole = (message: string): boolean => message.includes(' not fit: ');

/** `memory 12 nodes, label 28 nodes`, the most frequent first; nothing where the message says it already. */
const reasonsText = ({ message, byReason }: Refusal): string =>
  isWhole(message)
    ? ''
    : Object.entries(byReason)
        .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
        .map(([reason, count]) => `${dimensionLabel(reason)} ${plural(count, 'node')}`)
        .join(', ');

export function drainSection(plan: Plan, page: Page): string {
  if (plan.goals.length === 0) return '';
  const { shown, hidden } = viewDrains(plan, page.all ? undefined : mostDrains);
  return [
    page.paint.bold('Drains'),
    ...shown.flatMap((drain) => drainLines(drain, page)),
    ...(hidden === undefined ? [] : [`  ${moreText(hidden.nodes, page, 'nodes')}`, ...hiddenDrains(hidden)]),
  ].join('\n');
}

const hiddenDrains = ({ blocked, takes }: NonNullable<DrainsView['hidden']>): readonly string[] => [
  ...(blocked === 0 ? [] : [`  ${blocked} of them are blocked.`]),
  ...(takes === '' ? [] : [`  The longest takes ${takes}.`]),
];

function drainLines({ node, takes, units, stays }: DrainView, page: Page): readonly string[] {
  const { paint, width } = page;
  const through = units.length === 0 ? '' : `: ${someNames(units, page)}`;
  return [
    hang(`  ${paint.moved('→')} `, `${paint.bold(node)}  ${takes}${through}`, width),
    ...stays.map(({ instances, reason }) =>
      hang(
        `    ${paint.bad('!')} `,
        `${someNames(instances, page)} ${instances.length === 1 ? 'stays' : 'stay'}: ${reason}`,
        width,
      ),
    ),
  ];
}

/** Before, peak and after in columns; what is nearly or more than full stands out. */
export function usesSection(title: 'Quota' | 'Capacity', rows: readonly UseRow[], page: Page): string {
  if (rows.length === 0) return '';
  const { paint } = page;
  const shown = page.all ? rows : fullest(rows, mostUses);
  const hidden = rows.length - shown.length;
  const [heads = '', ...numbers] = rightColumns([
    ['before', 'peak', 'after', title === 'Quota' ? 'limit' : 'total', ''],
    ...shown.map((row) => [row.before, row.peak, row.after, row.limit, row.share]),
  ]);
  const names = namesOf(shown, page.width - visibleLength(heads));
  const nameWidth = Math.max(visibleLength(title), ...names.map(visibleLength)) + 2;
  const lines = shown.map(
    (row, index) => padEnd(names[index] ?? '', nameWidth) + paintLevel(row, numbers[index] ?? '', page),
  );
  return [
    `${padEnd(paint.bold(title), nameWidth)}${paint.dim(heads.trimEnd())}`,
    ...lines,
    ...(hidden > 0 ? [`  ${moreText(hidden, page, 'rows, all less full')}`] : []),
  ].join('\n');
}

const narrowestName = 8;

/** Names and resources in columns; names that would push the numbers off the line are cut. */
function namesOf(rows: readonly UseRow[], width: number): readonly string[] {
  const resources = Math.max(...rows.map(({ resource }) => visibleLength(resource)));
  const room = Math.max(narrowestName, width - resources - 6);
  return columns(rows.map(({ name, resource }) => [`  ${clip(name, room)}`, resource]));
}

const paintLevel = ({ level }: UseRow, text: string, { paint }: Page): string =>
  level === 'over' ? paint.bad(text) : level === 'tight' ? paint.warn(text) : text;

export function warningSection(plan: Plan, units: readonly UnitView[], page: Page): string {
  const warnings = generalWarnings(plan, units);
  if (warnings.length === 0) return '';
  const { paint } = page;
  const codes = [...groupBy(warnings, ({ code }) => code).values()];
  return [paint.bold(paint.warn('Warnings')), ...codes.flatMap((same) => warningLines(same, page))].join('\n');
}

function warningLines(same: readonly PlanWarning[], page: Page): readonly string[] {
  const { paint, width } = page;
  const shown = same.length <= mostWarningsOfACode + 1 ? same : cut(same, mostWarningsOfACode, page);
  const hidden = same.length - shown.length;
  return [
    ...shown.map((warning) =>
      hang(`  ${paint.warn('▲')} `, `${withSubject(warning)} ${paint.dim(warning.code)}`, width),
    ),
    ...(hidden > 0 ? [`    ${moreText(hidden, page, `like this (${same[0]?.code})`)}`] : []),
  ];
}
