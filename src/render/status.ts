import { assertNever } from '../model/assert.ts';
import { commitsText } from '../model/commits.ts';
import { formatInstant } from '../model/instant.ts';
import type { Override } from '../model/recorded.ts';
import { formatAge } from './amounts.ts';
import { columns, hang, plural, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import type { StatusInstance, StatusView, StatusWorkload } from './status-view.ts';

const mostInstances = 20;
const mostNodes = 20;

interface StatusOptions {
  readonly color: boolean;
  readonly width?: number | undefined;
  readonly all?: boolean | undefined;
  /** Unix ms, for ages. */
  readonly now: number;
}

interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly all: boolean;
}

/** Desired, recorded and observed side by side, drift marked, one line an instance where the terminal is wide enough. */
export function renderStatusText(view: StatusView, options: StatusOptions): string {
  const page: Page = { width: usableWidth(options.width), paint: createPaint(options), all: options.all ?? false };
  const { paint, width } = page;
  const facts = [
    `desired ${commitsText(view.commits)}`,
    `recorded at store revision ${view.storeRevision}`,
    `observed ${formatAge(options.now - view.observedAt)} ago`,
  ];
  const sections = [
    `${paint.bold(`Cluster ${view.cluster}`)}\n${hang('  ', paint.dim(facts.join(' · ')), width)}`,
    behindSection(view, page),
    overrideSection(view, page),
    nodeSection(view, page),
    ...view.workloads.map((workload) => workloadSection(workload, page)),
    verdictOf(view, page),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Before everything else: what is recorded is not what is true. */
function behindSection({ behind }: StatusView, { paint, width }: Page): string {
  if (behind === undefined) return '';
  return `${paint.bold(paint.bad('The store went back in time'))}\n${hang('  ', behind, width)}`;
}

/** What somebody changed by hand, for a while: it says why things are not as in git. */
function overrideSection({ overrides }: StatusView, { paint, width }: Page): string {
  if (overrides.length === 0) return '';
  const lines = overrides.map((override) => {
    const { until, actor, reason } = override;
    return hang(
      '  ',
      `${paint.warn(overrideText(override))} until ${formatInstant(until)}, by ${actor} (${reason})`,
      width,
    );
  });
  return [paint.bold('Overrides'), ...lines].join('\n');
}

function overrideText({ kind, target, revision }: Override): string {
  switch (kind) {
    case 'pin':
      return `${target} is pinned to ${revision?.slice(0, 8) ?? 'nothing'}`;
    case 'cordon':
      return `node ${target} is cordoned`;
    case 'freeze':
      return target === '*'
        ? 'everything is frozen'
        : `${target.includes('/') ? target : `namespace ${target}`} is frozen`;
    case 'port':
      return `port ${target} is not given out`;
    default:
      return assertNever(kind);
  }
}

function nodeSection(view: StatusView, { paint, all, width }: Page): string {
  // The ones that need somebody come first, so that cutting a long list never hides them.
  const bad = (node: StatusView['nodes'][number]): boolean => node.problem !== undefined || node.liveness !== 'alive';
  const sorted = [...view.nodes.filter(bad), ...view.nodes.filter((node) => !bad(node))];
  const shown = all ? sorted : sorted.slice(0, mostNodes);
  const rows = shown.map((node) => [
    `  ${node.name}`,
    node.pod,
    node.lifecycle === 'online' ? node.lifecycle : paint.warn(node.lifecycle),
    node.liveness === 'alive' ? paint.good(node.liveness) : paint.bad(node.liveness),
    plural(node.instances, 'instance'),
  ]);
  const lines = columns(rows).flatMap((row, index) => {
    const problem = shown[index]?.problem;
    return problem === undefined ? [row] : [row, hang('      ', paint.bad(problem), width)];
  });
  const hidden = view.nodes.length - shown.length;
  return [paint.bold('Nodes'), ...lines, ...(hidden > 0 ? [`  … and ${hidden} more, all alive (--all)`] : [])].join(
    '\n',
  );
}

function workloadSection(workload: StatusWorkload, page: Page): string {
  const { paint, width } = page;
  const desired =
    workload.desired === undefined
      ? workload.desiredRevision === undefined
        ? 'not in git'
        : 'one per node'
      : `${workload.desired}`;
  const counts = `desired ${desired} · recorded ${workload.recorded} · running ${workload.running} · healthy ${workload.healthy}${workload.waiting > 0 ? ` · waiting for nodes ${workload.waiting}` : ''}`;
  const lines = [hang(`${paint.bold(workload.id)}  `, counts, width)];
  if (workload.inFlight !== undefined) lines.push(hang('  ', paint.warn(workload.inFlight), width));
  for (const revision of workload.failedRevisions) {
    lines.push(
      hang(
        '  ',
        paint.warn(
          `revision ${revision.slice(0, 8)} failed its health gate or was cancelled: it is not tried again until git changes or \`muster retry ${workload.id}\``,
        ),
        width,
      ),
    );
  }
  const isFine = ({ drift, change, held }: StatusInstance): boolean =>
    drift === undefined && change === undefined && held === undefined;
  const sorted =
    page.all || workload.instances.length <= mostInstances
      ? workload.instances
      : [...workload.instances.filter((instance) => !isFine(instance)), ...workload.instances.filter(isFine)];
  const shown = page.all ? sorted : sorted.slice(0, mostInstances);
  lines.push(...instanceLines(shown, page));
  const hidden = workload.instances.length - shown.length;
  if (hidden > 0) lines.push(paint.dim(`  … and ${hidden} more (--all, or -o json)`));
  return lines.join('\n');
}

function instanceLines(instances: readonly StatusInstance[], { paint, width }: Page): readonly string[] {
  const isWide = width >= 90;
  const rows = instances.map((instance) => {
    const state = observedText(instance, paint);
    const base = [`  ${instance.id.slice(instance.id.lastIndexOf('/') + 1)}`, `#${instance.generation}`, instance.node];
    if (!isWide) return [...base, state];
    const age = instance.ageMs === undefined ? '' : formatAge(instance.ageMs);
    return [...base, instance.revision.slice(0, 8), instance.recorded, state, age, instance.endpoints.join(' ')];
  });
  return columns(rows).flatMap((row, index) => {
    const instance = instances[index];
    const notes = [
      ...(instance?.held === undefined ? [] : [paint.warn(`held: ${instance.held}`)]),
      ...(instance?.drift === undefined ? [] : [paint.bad(`drift: ${instance.drift}`)]),
      ...(instance?.change === undefined ? [] : [paint.changed(`change: ${instance.change}`)]),
    ];
    return [row, ...notes.map((note) => hang('      ', note, width))];
  });
}

function observedText(instance: StatusInstance, paint: Paint): string {
  const health = instance.health === 'none' ? '' : ` ${instance.health}`;
  const text = `${instance.observed}${instance.observed === 'running' ? health : ''}`;
  if (instance.drift !== undefined) return paint.bad(text);
  if (instance.observed === 'unknown') return paint.warn(text);
  return instance.observed === 'running' ? paint.good(text) : text;
}

function verdictOf(view: StatusView, { paint, width }: Page): string {
  const changed = view.workloads
    .flatMap((workload) => workload.instances)
    .filter((instance) => instance.change !== undefined).length;
  const missing = view.workloads.reduce(
    (sum, workload) => sum + Math.max(0, (workload.desired ?? 0) - workload.recorded - workload.waiting),
    0,
  );
  if (view.asDeclared) return paint.bold(paint.good('Everything is as declared.'));
  if (view.behind !== undefined)
    return paint.bold(paint.bad('Nothing is applied until the store is mended: see above.'));
  const parts = [
    ...(view.drift > 0 ? [`${plural(view.drift, 'instance')} drifted`] : []),
    ...(changed > 0 ? [`${plural(changed, 'instance')} not at the declared revision`] : []),
    ...(missing > 0 ? [`${plural(missing, 'instance')} declared but not recorded`] : []),
  ];
  return paint.bold(paint.warn(hang('', `${parts.join(', ')}. \`muster plan\` shows what would be done.`, width)));
}
