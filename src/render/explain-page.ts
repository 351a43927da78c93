import type { Plan } from '../model/plan.ts';
import type { Elsewhere } from '../plan/explain/elsewhere.ts';
import type { NextStep } from '../plan/explain/looking.ts';
import { formatResources } from './amounts.ts';
import { dotted, hang, padEnd, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import { causeText } from './plan-words.ts';

export interface ExplainTextOptions {
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width?: number | undefined;
  /** Show everything, however long. */
  readonly all?: boolean | undefined;
  /** Unix ms; ages are counted from it. */
  readonly now: number;
}

/** Lines with a label in front, as all explanations have them. */
export interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly all: boolean;
  readonly now: number;
  line(label: string, text: string | readonly string[]): string;
}

const labelWidth = 12;

export function openPage(options: ExplainTextOptions): Page {
  const width = usableWidth(options.width);
  return {
    width,
    paint: createPaint(options),
    all: options.all ?? false,
    now: options.now,
    line: (label, text) => hang(`  ${padEnd(label, labelWidth)}`, text, width),
  };
}

/** Several lines of which only the first has the label. */
export const lines = (page: Page, label: string, texts: readonly (string | readonly string[])[]): readonly string[] =>
  texts.map((text, index) => page.line(index === 0 ? label : '', text));

const mostNames = 6;

export function someOf(names: readonly string[], { all }: Pick<Page, 'all'>): string {
  if (all || names.length <= mostNames) return names.join(', ');
  return `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`;
}

/** Where one would fit, why not on the others, and what comes nearest. */
export function elsewhereLines(page: Page, label: string, elsewhere: Elsewhere): readonly string[] {
  const { considered, fits, reasons, nearest } = elsewhere;
  if (considered === 0) return [page.line(label, 'there is no other node in its pods')];
  const have = fits.length === 1 ? 'has' : 'have';
  const where =
    fits.length === 0
      ? `none of ${nodes(considered)} has room for it`
      : `${fits.length} of ${nodes(considered)} ${have} room for it: ${someOf(fits, page)}`;
  const why = reasons.map(({ text, nodes: names }) => {
    const few = names.length <= 2 || page.all ? ` (${names.join(', ')})` : '';
    return `${names.length} ${inNumber(text, names.length)}${few}`;
  });
  const near = nearest === undefined ? [] : [`nearest: ${nearest.node} lacks ${formatResources(nearest.missing)}`];
  return lines(page, label, [where, ...(why.length === 0 ? [] : [dotted(why)]), ...near]);
}

const nodes = (count: number): string => (count === 1 ? '1 node' : `${count} nodes`);

const singular: Readonly<Record<string, string>> = { are: 'is', have: 'has', lack: 'lacks' };

/** Reasons are written for many nodes. */
function inNumber(text: string, count: number): string {
  const [verb = '', ...rest] = text.split(' ');
  return count === 1 ? [singular[verb] ?? verb, ...rest].join(' ') : text;
}

/** `replace on web-a-01 in wave 1 of 4 (changed): /image changed` */
export function nextText({ kind, from, node, wave, of, cause, reason }: NextStep): string {
  const where = from === undefined || from === node ? `on ${node}` : `${from} → ${node}`;
  const when = of === 1 ? '' : ` in wave ${wave + 1} of ${of}`;
  const why = reason === '' || reason === causeText(cause) ? '' : `: ${reason}`;
  return `${kind} ${where}${when} (${causeText(cause)})${why}`;
}

/** What the plan refuses and warns of, with the codes to look up. */
export function saidLines(page: Page, { refusals, warnings }: Pick<Plan, 'refusals' | 'warnings'>): readonly string[] {
  return [
    ...refusals.map(({ message, code }) => page.line(page.paint.bad('refused'), `${message} (${code})`)),
    ...warnings.map(({ message, code }) => page.line(page.paint.warn('note'), `${message} (${code})`)),
  ];
}
