import { expandStep } from '../model/effects.ts';
import type { UnitId } from '../model/ids.ts';
import type { Progress, ProgressEvent, UnitState } from '../reconcile/progress.ts';
import { formatAge } from './amounts.ts';
import { clip, padEnd } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import { progressLine } from './progress-lines.ts';

/** Where progress is drawn: `process.stderr`, or anything that looks like it. */
export interface ProgressTarget {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface ProgressRenderer {
  readonly report: Progress;
  /** Leaves the last state on the screen and stops drawing. Safe to call twice. */
  close(): void;
}

/** Redrawn at most this often: faster is unreadable and floods slow SSH connections. */
const redrawEveryMs = 100;
const mostLines = 20;

/** Live on a terminal, one plain line an event otherwise. Draws on the given stream only, never on stdout by itself. */
export function createProgress(
  target: ProgressTarget,
  options: { readonly color: boolean; readonly now: () => number },
): ProgressRenderer {
  if (target.isTTY !== true) {
    const report: Progress = (event) => {
      const line = progressLine(event);
      if (line !== undefined) target.write(`${line}\n`);
    };
    return { report, close: () => undefined };
  }
  return liveProgress(target, options);
}

interface UnitProgress {
  readonly startedAt: number;
  total: number;
  done: number;
  wave: string;
  doing: string;
  undoing: boolean;
  ended: UnitState | undefined;
}

function liveProgress(
  target: ProgressTarget,
  options: { readonly color: boolean; readonly now: () => number },
): ProgressRenderer {
  const paint = createPaint(options);
  const units = new Map<UnitId, UnitProgress>();
  let drawn: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;

  const erase = (): string => {
    // A line that was drawn on a wider terminal now takes several rows: count with today's width.
    const width = Math.max(1, target.columns ?? 80);
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / width)), 0);
    return rows === 0 ? '' : `\u001b[${rows}A\r\u001b[J`;
  };
  const draw = (): void => {
    timer = undefined;
    const lines = block(units, target, options.now());
    target.write(erase() + lines.map((line) => `${paintLine(line, paint)}\n`).join(''));
    drawn = lines.map((line) => line.text);
  };
  const say = (line: string): void => {
    target.write(`${erase()}${line}\n`);
    drawn = [];
    draw();
  };
  const report: Progress = (event) => {
    applyEvent(units, event, options.now());
    const line = isWorthKeeping(event) ? progressLine(event) : undefined;
    if (line !== undefined) say(event.kind === 'effectFailed' || event.kind === 'unitFailed' ? paint.warn(line) : line);
    timer ??= setTimeout(draw, redrawEveryMs);
  };
  const close = (): void => {
    if (timer === undefined) return;
    clearTimeout(timer);
    draw();
  };
  return { report, close };
}

/** Failures and decisions stay on the screen above the block; the rest is only the block. */
const isWorthKeeping = (event: ProgressEvent): boolean =>
  ['recovering', 'effectFailed', 'retrying', 'hookFailed', 'unitFailed', 'stopping'].includes(event.kind);

function applyEvent(units: Map<UnitId, UnitProgress>, event: ProgressEvent, now: number): void {
  if (event.kind === 'runStarted') {
    for (const unit of event.plan.units) {
      const steps = event.plan.steps.filter((step) => step.unit === unit.id);
      const total = steps.reduce((sum, step) => sum + expandStep(step).length, 0);
      if (total > 0) units.set(unit.id, fresh(now, total));
    }
    return;
  }
  if (
    event.kind === 'stopping' ||
    event.kind === 'runEnded' ||
    event.kind === 'retrying' ||
    event.kind === 'hookFailed'
  )
    return;
  const unit = units.get(event.unit) ?? fresh(now, 0);
  units.set(event.unit, unit);
  switch (event.kind) {
    case 'waveStarted':
      unit.wave = `wave ${event.wave + 1}/${event.of}`;
      return;
    case 'effectStarted':
      unit.doing = `${event.undo ? 'undo ' : ''}${event.effect.kind} ${event.effect.allocation.slice(event.unit.length + 1)} on ${event.effect.node}`;
      return;
    case 'effectDone':
      unit.done += event.undo ? -1 : 1;
      return;
    case 'waiting':
      unit.doing = event.what;
      return;
    case 'unitFailed':
    case 'recovering':
      unit.undoing = event.kind === 'unitFailed' || event.direction === 'unwind';
      return;
    case 'unitEnded':
      unit.ended = event.result.state;
      unit.doing = '';
      return;
    default:
      return;
  }
}

const fresh = (startedAt: number, total: number): UnitProgress => ({
  startedAt,
  total,
  done: 0,
  wave: '',
  doing: '',
  undoing: false,
  ended: undefined,
});

interface BlockLine {
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'busy' | 'idle';
}

/** Units at work first, then those that ended badly, the waiting and the done: what is cut off matters least. */
function block(units: ReadonlyMap<UnitId, UnitProgress>, target: ProgressTarget, now: number): readonly BlockLine[] {
  const width = Math.max(20, (target.columns ?? 80) - 1);
  const room = Math.max(1, Math.min(mostLines, (target.rows ?? 24) - 2));
  const rank = (unit: UnitProgress): number =>
    unit.ended === undefined ? (unit.doing === '' ? 2 : 0) : unit.ended === 'done' ? 3 : 1;
  const sorted = [...units].sort(([, a], [, b]) => rank(a) - rank(b));
  const shown = sorted.length <= room ? [...units] : sorted.slice(0, room - 1);
  const nameWidth = Math.min(28, Math.max(...[...units.keys(), ''].map((id) => id.length)));
  const lines = shown.map(([id, unit]): BlockLine => {
    const count = unit.total === 0 ? '' : `${Math.max(0, Math.min(unit.done, unit.total))}/${unit.total}`;
    const state = unit.ended ?? (unit.undoing ? 'undoing' : unit.doing === '' ? 'waiting' : unit.wave);
    const text = `${padEnd(clip(id, nameWidth), nameWidth)}  ${padEnd(state, 10)} ${padEnd(count, 7)} ${unit.doing}`;
    const tone =
      unit.ended === 'done'
        ? 'good'
        : unit.ended !== undefined || unit.undoing
          ? 'bad'
          : unit.doing === ''
            ? 'idle'
            : 'busy';
    return { text: clip(text.trimEnd(), width), tone };
  });
  const hidden = units.size - shown.length;
  const started = Math.min(...[...units.values()].map((unit) => unit.startedAt), now);
  const done = [...units.values()].filter((unit) => unit.ended !== undefined).length;
  const more = hidden === 0 ? [] : [{ text: clip(`… and ${hidden} more`, width), tone: 'idle' as const }];
  const foot = {
    text: clip(`${done} of ${units.size} workloads ended · ${formatAge(now - started)}`, width),
    tone: 'idle' as const,
  };
  return units.size === 0 ? [] : [...lines, ...more, foot];
}

function paintLine(line: BlockLine, paint: Paint): string {
  const tones = { good: paint.good, bad: paint.bad, busy: (text: string): string => text, idle: paint.dim };
  return tones[line.tone](line.text);
}
