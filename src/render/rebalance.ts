import { assertNever } from '../model/assert.ts';
import { isEmptyPlan } from '../model/plan.ts';
import type { Better } from '../plan/rebalance/better.ts';
import type { Rebalance } from '../plan/rebalance.ts';
import { markdownCell } from './escape.ts';
import { columns, hang, plural, usableWidth } from './layout.ts';
import { createPaint } from './paint.ts';
import { renderPlanMarkdown } from './plan-markdown.ts';
import type { PlanTextOptions } from './plan-page.ts';
import { renderPlanText } from './plan-text.ts';

export type RebalanceFormat = 'text' | 'json' | 'markdown';
export type PlannedRebalance = Extract<Rebalance, { readonly kind: 'planned' }>;

/** Additive changes raise the minor version, anything else the major. */
const rebalanceFormatVersion = '1.0';

const mostLeft = 10;

/** The plan as `plan` shows it, and what gets better. */
export function renderRebalance(result: PlannedRebalance, format: RebalanceFormat, options: PlanTextOptions): string {
  switch (format) {
    case 'text':
      return `${renderPlanText(result.plan, options)}${renderBetterText(result, options)}`;
    case 'markdown':
      return [renderPlanMarkdown(result.plan), betterMarkdown(result)].filter((part) => part !== '').join('\n');
    case 'json':
      return `${JSON.stringify({ formatVersion: rebalanceFormatVersion, ...result }, undefined, 2)}\n`;
    default:
      return assertNever(format);
  }
}

/** What follows the plan: what the moves are good for, and what is left as it is. */
export function renderBetterText(result: PlannedRebalance, options: PlanTextOptions): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const rows = result.better.map((better) => [`  ${nameOf(better)}`, changeOf(better), paint.dim(meaningOf(better))]);
  // What would be no better where it could go is only of interest to who asks for everything.
  const open = options.all === true ? result.left : result.left.filter(({ kind }) => kind === 'refused');
  const left = options.all === true ? open : open.slice(0, mostLeft);
  const hidden = open.length - left.length;
  const sections = [
    rows.length === 0 ? '' : [paint.bold('Better'), ...columns(rows)].join('\n'),
    left.length === 0
      ? ''
      : [
          paint.bold('Left where it is'),
          ...left.map(({ instance, node, reason }) => hang('  ', `${instance} on ${node}: ${reason}`, width)),
          ...(hidden > 0 ? [`  … and ${hidden} more (--all, or -o json)`] : []),
        ].join('\n'),
    paint.bold(hang('', verdictOf(result), width)),
  ];
  return `\n${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function verdictOf({ plan, more }: PlannedRebalance): string {
  if (isEmptyPlan(plan)) return more ? 'No move is allowed (--max-moves).' : 'Nothing would get better.';
  const next = more ? ' There is more to gain: raise --max-moves, or do it again afterwards.' : '';
  return `${plural(plan.steps.length, 'move')}, within each budget; nothing else changes.${next}`;
}

function nameOf(better: Better): string {
  switch (better.kind) {
    case 'spread':
      return better.workload;
    case 'use':
      return `pod ${better.pod}`;
    case 'empty':
      return plural(better.nodes.length, 'node');
    default:
      return assertNever(better);
  }
}

function changeOf(better: Better): string {
  switch (better.kind) {
    case 'spread':
      return `${better.before.most} / ${better.before.fewest} → ${better.after.most} / ${better.after.fewest}`;
    case 'use':
      return `${percent(better.before.most)} / ${percent(better.before.fewest)} → ${percent(better.after.most)} / ${percent(better.after.fewest)}`;
    case 'empty':
      return better.nodes.join(', ');
    default:
      return assertNever(better);
  }
}

function meaningOf(better: Better): string {
  switch (better.kind) {
    case 'spread':
      return `instances in the fullest and the emptiest ${better.by}`;
    case 'use':
      return 'how full the fullest and the emptiest node is';
    case 'empty':
      return `${better.nodes.length === 1 ? 'holds' : 'hold'} nothing any more, daemons apart`;
    default:
      return assertNever(better);
  }
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function betterMarkdown(result: PlannedRebalance): string {
  const rows = result.better.map(
    (better) => `| ${markdownCell(nameOf(better))} | ${markdownCell(changeOf(better))} | ${meaningOf(better)} |`,
  );
  return rows.length === 0 ? '' : ['| | before → after | |', '|---|---|---|', ...rows, ''].join('\n');
}
