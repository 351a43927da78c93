import type { Drift, DriftKind } from '../drift/detect.ts';
import type { Desired } from '../model/desired.ts';
import { hang, plural, usableWidth, type WrappedRow, wrappedColumns } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

/** What `muster drift` tells; as JSON it is just this. */
export interface DriftView {
  readonly cluster: string;
  /** Allocations that are recorded as running. */
  readonly live: number;
  readonly drift: readonly (Drift & { readonly healed: boolean })[];
}

type Policy = Desired['cluster']['drift'];

/** What the cluster's policy ignores is left out. */
export function viewDrift(
  drift: readonly Drift[],
  { cluster, live, policy }: { readonly cluster: string; readonly live: number; readonly policy: Policy },
): DriftView {
  const told = drift.filter(({ kind }) => policyOf(kind, policy) !== 'ignore');
  return { cluster, live, drift: told.map((each) => ({ ...each, healed: policyOf(each.kind, policy) === 'heal' })) };
}

function policyOf(kind: DriftKind, { changed, orphan }: Policy): 'heal' | 'report' | 'ignore' {
  switch (kind) {
    case 'missing':
    case 'exited':
    case 'unhealthy':
      return 'heal';
    case 'changed':
      return changed;
    case 'orphan':
      return orphan;
    case 'crashLoop':
    case 'moved':
    case 'duplicate':
    case 'zombie':
    case 'nodeUnreachable':
      return 'report';
  }
}

const mostRows = 20;

interface DriftOptions {
  readonly color: boolean;
  readonly width?: number | undefined;
  readonly all?: boolean | undefined;
}

/** By kind, what the next plan heals first. */
export function renderDriftText({ cluster, live, drift }: DriftView, options: DriftOptions): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const title = paint.bold(`Cluster ${cluster}`);
  if (drift.length === 0) return `${title}: nothing drifted, ${plural(live, 'instance')} as recorded\n`;
  const kinds = [...new Set(drift.map(({ kind }) => kind))].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  const sections = kinds.map((kind) =>
    kindSection(
      drift.filter((each) => each.kind === kind),
      { paint, width, most: options.all === true ? Number.POSITIVE_INFINITY : mostRows },
    ),
  );
  const healed = drift.filter((each) => each.healed).length;
  const verdict = `${plural(drift.length, 'deviation')}, ${healed} to be healed by the next apply or run`;
  return `${[title, ...sections, verdict].join('\n\n')}\n`;
}

const order: readonly DriftKind[] = [
  'missing',
  'exited',
  'unhealthy',
  'changed',
  'crashLoop',
  'moved',
  'duplicate',
  'orphan',
  'zombie',
  'nodeUnreachable',
];

const meanings: Readonly<Record<DriftKind, string>> = {
  missing: 'recorded as running, and not there',
  exited: 'there, and does not run',
  unhealthy: 'runs, and fails its check',
  changed: 'is not what was recorded: somebody changed it by hand',
  crashLoop: 'its engine restarts it again and again: see `muster logs`',
  moved: 'runs on another node than is recorded',
  duplicate: 'runs more than once',
  orphan: 'ours, but recorded nowhere',
  zombie: 'made late by a leader that is gone: `muster run` takes it away after a minute',
  nodeUnreachable: 'nobody can see it: nothing is concluded, nothing is touched',
};

function kindSection(
  drift: DriftView['drift'],
  { paint, width, most }: { readonly paint: Paint; readonly width: number; readonly most: number },
): string {
  const [first] = drift;
  if (first === undefined) return '';
  const { kind, healed } = first;
  const head = `${(healed ? paint.warn : paint.bad)(kind)} (${drift.length}) `;
  const rows = kind === 'nodeUnreachable' ? nodeRows(drift) : drift.map(rowOf);
  const more = rows.length > most ? [`  … and ${rows.length - most} more (--all)`] : [];
  return [
    hang(head, `${meanings[kind]}${healed ? '; will be healed' : ''}`, width),
    ...wrappedColumns(rows.slice(0, most), width),
    ...more,
  ].join('\n');
}

const rowOf = ({ allocation, node, detail }: Drift): WrappedRow => ({ cells: [`  ${allocation}`, node], last: detail });

/** Whatever is on one node has one reason. */
function nodeRows(drift: readonly Drift[]): readonly WrappedRow[] {
  const byNode = new Map<string, Drift[]>();
  for (const each of drift) {
    const key = `${each.node} ${each.engine}`;
    byNode.set(key, [...(byNode.get(key) ?? []), each]);
  }
  return [...byNode].map(([key, own]) => ({
    cells: [`  ${key}`, plural(own.length, 'instance')],
    last: own[0]?.detail ?? '',
  }));
}
