import type { Step } from '../model/plan.ts';
import { resourcesOf } from '../model/recorded.ts';
import { formatResources } from './amounts.ts';
import { type FieldLine, fieldLines } from './field-diff.ts';
import { dotted, hang, padEnd, plural, ranges, visibleLength, wrappedColumns } from './layout.ts';
import type { Paint } from './paint.ts';
import { hasLocalPieces, sharedPieces } from './plan-holds.ts';
import { cut, moreText, type Page, paintKind } from './plan-page.ts';
import { ordinalOf, type StepGroup } from './plan-view.ts';
import { reasonText, symbols, traitsOf } from './plan-words.ts';

const mostInstances = 16;
const mostInstanceLines = 5;
const mostDiffLines = 40;
const mostReasons = 3;

/** Steps that only differ in instance and node: what changes, what each gets, and where they are. */
export function groupSection(group: StepGroup, page: Page): string {
  const { paint, width } = page;
  const { first, steps } = group;
  const symbol = paintKind(first, padEnd(symbols[first.kind], 3), paint);
  const title = `${first.kind} ${steps.length === 1 ? 'instance' : `${steps.length} instances`} ${clipRanges(steps, page)}`;
  const traits = traitsOf(first).map(({ text, unusual }) => (unusual ? paint.bad(text) : paint.dim(text)));
  const details = `${paint.dim('(')}${traits.join(paint.dim(', '))}${paint.dim(')')}`;
  const { shared, own } = sharedPieces(steps);
  return [
    hang(`  ${symbol} `, `${title} ${details}${sharedReason(group)}`, width),
    ...fieldLines(first.changes, first.engine).map((line) => fieldText(line, page)),
    ...holdsLine(group, shared, page),
    ...instanceLines(group, own, page),
  ].join('\n');
}

const clipRanges = (steps: readonly Step[], page: Page): string => {
  const text = ranges(steps.map((step) => ordinalOf(step.instance)));
  return page.all || text.length <= 40 ? text : `${text.slice(0, text.lastIndexOf(',', 40))}, …`;
};

function sharedReason({ first, reasons }: StepGroup): string {
  const [reason] = reasons;
  const text = reason === undefined || reasons.length > 1 ? '' : reasonText(first, reason[0]);
  return text === '' ? '' : `: ${text}`;
}

/** What every instance of the group gets: amounts, where they are new on its node, and pieces of the same name. */
function holdsLine({ first, steps }: StepGroup, shared: readonly string[], { paint, width }: Page): readonly string[] {
  const arrives = first.kind === 'create' || first.kind === 'move';
  const amounts = new Set(steps.map(({ holds: { devices, ...holds } }) => formatResources(resourcesOf(holds))));
  const [only = ''] = amounts;
  const items = [...(arrives && amounts.size === 1 && only !== '' ? [only] : []), ...shared];
  if (items.length === 0) return [];
  const ends = first.kind === 'stop' || first.kind === 'remove' || first.kind === 'forget';
  const label = `${steps.length > 1 ? 'each ' : ''}${ends ? 'held' : 'holds'}`;
  return [hang(`        ${label} `, dotted(items).map(paint.dim), width)];
}

function fieldText(line: FieldLine, { paint, width }: Page): string {
  if (line.kind === 'text') {
    const shown = line.lines.slice(0, mostDiffLines);
    const rest = line.lines.length - shown.length;
    const paintLine = (text: string): string =>
      text.startsWith('+') ? paint.good(text) : text.startsWith('-') ? paint.bad(text) : paint.dim(text);
    return [
      `        ${line.label}:`,
      ...shown.map((text) => `          ${paintLine(text)}`),
      ...(rest > 0 ? [`          … and ${plural(rest, 'more line', 'more lines')}`] : []),
    ].join('\n');
  }
  const label = `        ${padEnd(line.label, 18)} `;
  if (line.before === undefined) return hang(label, `${paint.good(`+ ${line.after}`)}`, width);
  if (line.after === undefined) return hang(label, `${paint.bad(`- ${line.before}`)}`, width);
  const text = `${paint.bad(line.before)} → ${paint.good(line.after)}`;
  if (visibleLength(label) + visibleLength(text) <= width) return label + text;
  return [
    label.trimEnd(),
    `          ${paint.bad(`- ${line.before}`)}`,
    `          ${paint.good(`+ ${line.after}`)}`,
  ].join('\n');
}

/** A few instances get a line each with what is their own; many are listed as `ordinal node`. */
function instanceLines(
  { steps, ...group }: StepGroup,
  own: readonly (readonly string[])[],
  page: Page,
): readonly string[] {
  const all = steps.map((step, index) => ({ step, own: own[index] ?? [] }));
  const tells = all.some((item) => item.own.length > 0) || group.reasons.length > 1;
  const inDetail = tells && (all.length <= mostInstanceLines || all.some((item) => hasLocalPieces(item.step.holds)));
  const detailed = inDetail ? cut(all, mostInstanceLines, page) : [];
  const rest = steps.slice(detailed.length);
  return [...detailLines(group, detailed, page), ...reasonLines(group, rest, page), ...listed(rest, page)];
}

interface OneInstance {
  readonly step: Step;
  /** Pieces that not all of the group have. */
  readonly own: readonly string[];
}

function detailLines(
  { reasons }: Pick<StepGroup, 'reasons'>,
  instances: readonly OneInstance[],
  { paint, width }: Page,
): readonly string[] {
  const rows = instances.map(({ step, own }) => {
    const reason = reasons.length > 1 ? reasonText(step) : '';
    return {
      cells: [`        ${ordinalOf(step.instance)}`, place(step, paint)],
      last: dotted([...own, ...(reason === '' ? [] : [reason])]),
    };
  });
  return wrappedColumns(rows, width);
}

/** Why, where those that are listed have several reasons. */
function reasonLines(
  { first, reasons }: Pick<StepGroup, 'first' | 'reasons'>,
  rest: readonly Step[],
  page: Page,
): readonly string[] {
  if (rest.length === 0 || reasons.length < 2) return [];
  const shown = cut(reasons, mostReasons, page);
  const hidden = reasons.slice(shown.length).reduce((sum, [, count]) => sum + count, 0);
  return [
    ...shown.map(([reason, count]) => hang(`        ${count} × `, reasonText(first, reason), page.width)),
    ...(hidden === 0 ? [] : [`        ${hidden} × other reasons`]),
  ];
}

function listed(steps: readonly Step[], page: Page): readonly string[] {
  if (steps.length === 0) return [];
  const shown = cut(steps, mostInstances, page);
  const hidden = steps.length - shown.length;
  const list = shown.map(
    (step, index) => `${ordinalOf(step.instance)} ${place(step, page.paint)}${index < shown.length - 1 ? ' ·' : ''}`,
  );
  return [
    hang('        ', list, page.width),
    ...(hidden > 0 ? [`        ${moreText(hidden, page, 'instances')}`] : []),
  ];
}

const place = (step: Step, paint: Paint): string =>
  step.from === undefined || step.from === step.node ? step.node : `${step.from} ${paint.moved('→')} ${step.node}`;
