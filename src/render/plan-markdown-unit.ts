import type { Step } from '../model/plan.ts';
import { markdownCell, markdownText } from './escape.ts';
import { fieldLines } from './field-diff.ts';
import { plural, ranges } from './layout.ts';
import { pieceTexts } from './plan-holds.ts';
import { type TimelineRow, timelineOf } from './plan-timeline.ts';
import { ordinalOf, type StepGroup, type UnitView } from './plan-view.ts';
import { reasonText, traitsOf } from './plan-words.ts';

const mostFieldLines = 200;
const mostNodes = 24;
const mostPieceLines = 8;
const mostReasons = 3;

/** What happens to one workload, folded: the diff of its steps, then the timeline of its waves. */
export function unitDetails({ unit, steps, groups, lowest, notes, together }: UnitView): string {
  const names = (ids: readonly string[]): string => ids.map((id) => `\`${id}\``).join(', ');
  const after = unit.after.length === 0 ? [] : [`After ${names(unit.after)}.`, ''];
  const with_ =
    together.length === 0 ? [] : [`Together with ${names(together)}: all of them become good, or all go back.`, ''];
  return [
    `<details><summary><b>${markdownText(unit.id)}</b>: ${plural(steps.length, 'step')}</summary>`,
    '',
    '```diff',
    ...groups.flatMap(groupLines),
    '```',
    '',
    ...after,
    ...with_,
    ...(unit.waves.length < 2 ? [] : [...timelineTable(unit, steps, lowest?.of), '']),
    ...notes.map((note) => `> ⚠️ ${markdownText(note.message)} (${note.code})`),
    ...(notes.length === 0 ? [] : ['']),
    '</details>',
  ].join('\n');
}

function timelineTable(unit: UnitView['unit'], steps: readonly Step[], of: number | undefined): readonly string[] {
  const { head, hiddenWaves, tail } = timelineOf(unit, steps, { of, all: false });
  const row = ({ waves, atWorst, available, isDown, does }: TimelineRow): string =>
    `| ${waves} | ${atWorst} | ${isDown ? `⚠️ ${available}` : available} | ${markdownCell(does)} |`;
  return [
    '| wave | at worst | available | does |',
    '|---|---|---|---|',
    ...head.map(row),
    ...(hiddenWaves === 0 ? [] : [`| … and ${plural(hiddenWaves, 'more wave')} | | | |`]),
    ...tail.map(row),
  ];
}

/** Lines of a code block in the `diff` language: `+` and `-` colour what comes and goes. */
function groupLines(group: StepGroup): readonly string[] {
  const { first, steps } = group;
  const sign = first.kind === 'create' ? '+' : first.kind === 'remove' || first.kind === 'stop' ? '-' : '!';
  const ordinals = ranges(steps.map((step) => ordinalOf(step.instance)));
  const traits = traitsOf(first).map(({ text }) => text);
  const lines = [
    `${sign} ${first.kind} ${ordinals} (${traits.join(', ')})${sharedReason(group)}`,
    ...fieldLines(first.changes, first.engine).flatMap((field) => {
      if (field.kind === 'text') return [`  ${field.label}:`, ...field.lines];
      return [
        ...(field.before === undefined ? [] : [`-   ${field.label}: ${field.before}`]),
        ...(field.after === undefined ? [] : [`+   ${field.label}: ${field.after}`]),
      ];
    }),
    ...severalReasons(group),
    ...placeLines(steps),
  ];
  const safe = lines.map((line) => line.replaceAll('```', "'''"));
  return safe.length <= mostFieldLines
    ? safe
    : [...safe.slice(0, mostFieldLines), `  … and ${safe.length - mostFieldLines} more lines`];
}

function sharedReason({ first, reasons }: StepGroup): string {
  const [reason] = reasons;
  const text = reason === undefined || reasons.length > 1 ? '' : reasonText(first, reason[0]);
  return text === '' ? '' : `: ${text}`;
}

function severalReasons({ first, reasons }: StepGroup): readonly string[] {
  if (reasons.length < 2) return [];
  const hidden = reasons.slice(mostReasons).reduce((sum, [, count]) => sum + count, 0);
  return [
    ...reasons.slice(0, mostReasons).map(([reason, count]) => `  ${count} × ${reasonText(first, reason)}`),
    ...(hidden === 0 ? [] : [`  ${hidden} × other reasons`]),
  ];
}

/** Where each is, on one line; with what is its own, on a line each while there are few. */
function placeLines(steps: readonly Step[]): readonly string[] {
  const own = steps.length > mostPieceLines ? [] : steps.map(pieceTexts);
  if (own.some((pieces) => pieces.length > 0))
    return steps.map((step, index) => [`  ${placeOf(step)}`, ...(own[index] ?? [])].join(' · '));
  const shown = steps.slice(0, mostNodes).map(placeOf);
  const hidden = steps.length - shown.length;
  return [`  ${shown.join(', ')}${hidden > 0 ? `, … and ${hidden} more` : ''}`];
}

const placeOf = (step: Step): string =>
  `${ordinalOf(step.instance)} ${step.from === undefined ? '' : `${step.from} → `}${step.node}`;
