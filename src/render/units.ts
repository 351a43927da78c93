import { formatAge, formatResources, formatTime } from './amounts.ts';
import { hang, plural, usableWidth, wrappedColumns } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import type { UnitView } from './unit-view.ts';

export interface PageOptions {
  readonly color: boolean;
  readonly width?: number | undefined;
  /** Unix ms, for ages. */
  readonly now: number;
}

/** Units in flight, a line each, with the reason below it; those that wait for somebody first. */
export function renderUnitList(units: readonly UnitView[], options: PageOptions): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  if (units.length === 0) return 'No unit is in flight.\n';
  const blocks = [...units].sort(byUrgency).map((unit) => {
    const age = unit.since === undefined ? '' : ` for ${formatAge(options.now - unit.since)}`;
    const head = hang(`${paint.bold(unit.unit)}  `, `${stateText(unit, paint)}${age} · run ${unit.run}`, width);
    return unit.reason === undefined ? head : `${head}\n${hang('  ', unit.reason, width)}`;
  });
  const asked = units.filter(isWaiting).length;
  const verdict =
    asked === 0
      ? `${plural(units.length, 'unit')} in flight.`
      : `${plural(asked, 'unit waits', 'units wait')} for an operator: \`muster unit show WORKLOAD\` says what is where and what can be done.`;
  return `${[...blocks, hang('', verdict, width)].join('\n\n')}\n`;
}

const isWaiting = ({ state }: UnitView): boolean =>
  state === 'stuck' || state === 'paused' || state === 'waiting' || state === 'newer';

const urgency = ['stuck', 'newer', 'paused', 'waiting', 'unwinding', 'running', 'settling'] as const;

const byUrgency = (a: UnitView, b: UnitView): number =>
  urgency.indexOf(a.state) - urgency.indexOf(b.state) || (a.unit < b.unit ? -1 : 1);

const stateText = ({ state, wavesDone, waves, together }: UnitView, paint: Paint): string => {
  if (state === 'stuck') return paint.bad('stuck');
  if (state === 'paused') return paint.warn('paused');
  if (state === 'waiting') return paint.warn('not begun');
  if (state === 'newer') return paint.bad('begun by a newer muster');
  if (state === 'settling') return 'committed, cleaning up';
  if (together?.waitsFor !== undefined) {
    const { transaction, waitsFor, others } = together;
    return `waits for ${(waitsFor.length === 0 ? others : waitsFor).join(', ')} (transaction ${transaction})`;
  }
  return state === 'unwinding' ? paint.warn('being undone') : `wave ${Math.min(wavesDone + 1, waves)} of ${waves}`;
};

/** One unit in flight: why, what is where, what is held, what was tried, what each command would do. */
export function renderUnit(unit: UnitView, options: PageOptions): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const by = unit.actor === undefined ? '' : ` by ${unit.actor}`;
  const age = unit.since === undefined ? '' : ` for ${formatAge(options.now - unit.since)}`;
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [[paint.bold(title), ...lines].join('\n')];
  return `${[
    [
      hang(`${paint.bold(unit.unit)}  `, `${stateText(unit, paint)}${age} · run ${unit.run}${by}`, width),
      hang('  ', unit.goesOn, width),
    ].join('\n'),
    ...section('Why', unit.reason === undefined ? [] : [hang('  ', unit.reason, width)]),
    ...section(
      'What is where',
      wrappedColumns(
        unit.allocations.map(({ id, node, engine, state, role, objectId }) => ({
          cells: [`  ${id.slice(id.indexOf('/') + 1)}`, node, role],
          last: `${state}, ${objectId === undefined ? `no ${engine} object recorded` : `${engine} object ${objectId}`}`,
        })),
        width,
      ),
    ),
    ...section(
      'What is held',
      unit.held.map(({ node, resources }) => hang(`  ${node}  `, formatResources(resources), width)),
    ),
    ...section(
      'What fails',
      unit.failing.map(({ what }) => hang('  ', what, width)),
    ),
    ...section(
      'What was tried',
      unit.tried.map(({ at, what }) => hang(`  ${formatTime(at)}  `, what, width)),
    ),
    ...section(
      'What you can do',
      unit.commands.flatMap(({ command, does }) => [`  ${paint.bold(command)}`, hang('      ', does, width)]),
    ),
  ].join('\n\n')}\n`;
}
