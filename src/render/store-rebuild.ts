import { isComplete, type RebuiltAllocation, type StoreRebuild } from '../model/store-rebuild.ts';
import { columns, hang, plural, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

const marks: Readonly<Record<RebuiltAllocation['change'], { readonly sign: string; readonly words: string }>> = {
  added: { sign: '+', words: 'runs, and the store did not know it' },
  changed: { sign: '~', words: 'recorded otherwise' },
  dropped: { sign: '-', words: 'nothing of it is on its engine' },
  unseen: { sign: '?', words: 'kept as recorded: its engine was not asked' },
  unchanged: { sign: ' ', words: 'as recorded' },
};

/** What a rebuild would write, what it cannot say, and what is not on any engine. `where`: the store. */
export function renderStoreRebuild(
  rebuild: StoreRebuild,
  options: { readonly color: boolean; readonly width?: number | undefined; readonly where: string },
): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const blocks = [
    allocationBlock(rebuild, paint, options.where),
    listed(
      'Next generations',
      rebuild.generations.map(({ workload, before, after }) => `${workload}: ${before} → ${after}`),
      { paint, width },
    ),
    listed(
      'Units that the store says are under way, and that have ended since: their journals go',
      rebuild.endedUnits,
      { paint, width },
    ),
    listed('Records that cannot be read go', rebuild.unreadable, { paint, width }),
    listed(
      paint.bad('Not asked: what is on them stays unknown'),
      rebuild.unreachable.map(({ node, engine, reason }) => `${engine} on ${node}: ${reason}`),
      { paint, width },
    ),
    listed(
      paint.bad('Not brought back: left as they are, unknown to the store'),
      rebuild.notRestored.map(({ allocation, node, reason }) => `${allocation} on ${node}: ${reason}`),
      { paint, width },
    ),
    listed(
      '`muster store check` will say',
      rebuild.findings.map(({ code, subject, message }) =>
        message.includes(subject) ? `${code} ${message}` : `${code} ${subject}: ${message}`,
      ),
      { paint, width },
    ),
    hang('', verdictOf(rebuild), width),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function allocationBlock({ allocations }: StoreRebuild, paint: Paint, where: string): string {
  const changed = allocations.filter(({ change }) => change !== 'unchanged');
  const rows = columns(
    changed.map(({ allocation, node, engine, revision, state, change }) => [
      `  ${marks[change].sign} ${allocation}`,
      `${engine} on ${node}`,
      revision.slice(0, 8),
      state,
      marks[change].words,
    ]),
  );
  const same = allocations.length - changed.length;
  const title = paint.bold(`Allocations of ${where}`);
  return [title, ...rows, `  ${plural(same, 'allocation is', 'allocations are')} as recorded`].join('\n');
}

function listed(
  title: string,
  items: readonly string[],
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  if (items.length === 0) return '';
  return [paint.bold(title), ...items.map((item) => hang('  ', item, width))].join('\n');
}

function verdictOf(rebuild: StoreRebuild): string {
  const added = rebuild.allocations.filter(({ change }) => change === 'added').length;
  const what = `${plural(added, 'allocation is', 'allocations are')} brought back; nothing that runs is touched.`;
  const rest =
    'Overrides, approvals, history and failed revisions are on no engine: they stay as the store has them, and what came after it is lost.';
  return isComplete(rebuild) ? `${what} ${rest}` : `${what} ${rest} It is not complete: see above.`;
}
