import { commitsText } from '../model/commits.ts';
import { formatAge } from './amounts.ts';
import { columns, hang, plural, ranges, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import type {
  AbsentInstance,
  EngineAnswer,
  EnginesInstance,
  EnginesNode,
  EnginesView,
  EnginesWorkload,
  FoundInstance,
} from './status-engines-shape.ts';

const mostInstances = 20;
const mostNodes = 20;
/** A terminal of this many columns has room for revision, age and address. */
const wideColumns = 90;

interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly all: boolean;
}

/** What the engines tell beside git; first what is not known, because that is what somebody must not take for granted. */
export function renderEnginesText(
  view: EnginesView,
  options: {
    readonly color: boolean;
    readonly width?: number | undefined;
    readonly all?: boolean | undefined;
    /** Unix ms, for ages. */
    readonly now: number;
  },
): string {
  const page: Page = { width: usableWidth(options.width), paint: createPaint(options), all: options.all ?? false };
  const { paint, width } = page;
  const facts = [
    `desired ${commitsText(view.commits)}`,
    `observed ${formatAge(options.now - view.observedAt)} ago`,
    'the store was not opened',
  ];
  const sections = [
    `${paint.bold(`Cluster ${view.cluster}, from its engines`)}\n${hang('  ', paint.dim(facts.join(' · ')), width)}`,
    view.warnings.map(({ code, message }) => hang('! ', `${paint.warn(message)} [${code}]`, width)).join('\n'),
    nodeSection(view.nodes, page),
    ...view.workloads.map((workload) => workloadSection(workload, page)),
    verdictOf(view, page),
  ];
  return `${sections.join('\n\n')}\n`;
}

function nodeSection(nodes: readonly EnginesNode[], { paint, all, width }: Page): string {
  const answers = (node: EnginesNode): boolean => node.engines.every(({ kind }) => kind === 'reachable');
  const { shown, hidden } = cut(nodes, answers, all ? nodes.length : mostNodes);
  const rows = shown.map((node) => [
    `  ${node.name}`,
    node.pod,
    node.lifecycle === 'online' ? node.lifecycle : paint.warn(node.lifecycle),
    node.engines.map((engine) => engineText(engine, { paint, width })).join(', '),
    countsText(node),
  ]);
  const lines = columns(rows).flatMap((row, index) => [row, ...reasonsOf(shown[index], { paint, width })]);
  return [paint.bold('Nodes'), ...lines, ...(hidden > 0 ? [`  … and ${hidden} more (--all)`] : [])].join('\n');
}

/** The ones that need somebody come first, so that cutting a long list never hides them. */
function cut<Item>(
  items: readonly Item[],
  isFine: (item: Item) => boolean,
  most: number,
): { readonly shown: readonly Item[]; readonly hidden: number } {
  if (items.length <= most) return { shown: items, hidden: 0 };
  const sorted = [...items.filter((item) => !isFine(item)), ...items.filter(isFine)];
  return { shown: sorted.slice(0, most), hidden: items.length - most };
}

function engineText(answer: EngineAnswer, { paint, width }: Omit<Page, 'all'>): string {
  const isWide = width >= wideColumns;
  if (answer.kind === 'unreachable') return paint.bad(isWide ? `${answer.engine}: no answer` : 'no answer');
  return paint.good(isWide ? `${answer.engine} ${answer.version}` : answer.engine);
}

/** Of a node that says nothing, nothing is counted. */
function countsText({ liveness, instances, foreign }: EnginesNode): string {
  if (liveness !== 'alive') return '';
  return `${plural(instances, 'instance')}${foreign === 0 ? '' : ` · ${foreign} foreign`}`;
}

const reasonsOf = (node: EnginesNode | undefined, { paint, width }: Omit<Page, 'all'>): readonly string[] =>
  (node?.engines ?? []).flatMap((answer) =>
    answer.kind === 'unreachable' ? [hang('      ', paint.bad(answer.reason), width)] : [],
  );

function workloadSection(workload: EnginesWorkload, page: Page): string {
  const { paint, width } = page;
  const { instances } = workload;
  const found = instances.filter((instance): instance is FoundInstance => instance.kind === 'found');
  const absent = instances.filter((instance): instance is AbsentInstance => instance.kind === 'absent');
  const counts = [
    desiredText(workload),
    `running ${workload.running}`,
    `healthy ${workload.healthy}`,
    ...countOf(absent, 'missing'),
    ...countOf(absent, 'unknown'),
  ];
  const { shown, hidden } = cut(found, isFine, page.all ? found.length : mostInstances);
  return [
    hang(`${paint.bold(workload.id)}  `, counts.join(' · '), width),
    ...foundLines(shown, page),
    ...(hidden > 0 ? [paint.dim(`  … and ${hidden} more (--all, or -o json)`)] : []),
    ...absentLines(absent, page),
  ].join('\n');
}

function desiredText({ desired, desiredRevision }: EnginesWorkload): string {
  if (desired !== undefined) return `desired ${desired}`;
  return desiredRevision === undefined ? 'not in git' : 'desired one per node';
}

function countOf(absent: readonly AbsentInstance[], observed: AbsentInstance['observed']): readonly string[] {
  const count = absent.filter((instance) => instance.observed === observed).length;
  return count === 0 ? [] : [`${observed} ${count}`];
}

const isFine = (instance: FoundInstance): boolean => instance.problem === undefined && instance.change === undefined;

function foundLines(instances: readonly FoundInstance[], { paint, width }: Page): readonly string[] {
  const rows = instances.map((instance) => {
    const base = [`  ${ordinalOf(instance)}`, `#${instance.generation}`, instance.node];
    const state = stateText(instance, paint);
    if (width < wideColumns) return [...base, state];
    const age = instance.ageMs === undefined ? '' : formatAge(instance.ageMs);
    const restarts = instance.restarts === 0 ? '' : plural(instance.restarts, 'restart');
    return [...base, instance.revision.slice(0, 8), state, age, restarts, instance.endpoints.join(' ')];
  });
  return columns(rows).flatMap((row, index) => {
    const { problem, change } = instances[index] ?? {};
    const notes = [
      ...(problem === undefined ? [] : [paint.bad(`problem: ${problem}`)]),
      ...(change === undefined ? [] : [paint.changed(`change: ${change}`)]),
    ];
    return [row, ...notes.map((note) => hang('      ', note, width))];
  });
}

function stateText(instance: FoundInstance, paint: Paint): string {
  const { observed, health, problem } = instance;
  const text = observed === 'running' && health !== 'none' ? `running ${healthText(health)}` : observed;
  if (problem !== undefined) return paint.bad(text);
  return observed === 'running' ? paint.good(text) : text;
}

const healthText = (health: FoundInstance['health']): string => (health === 'unknown' ? '(health not known)' : health);

function absentLines(absent: readonly AbsentInstance[], { paint, width }: Page): readonly string[] {
  const texts = {
    missing: paint.bad('missing: on no engine'),
    unknown: paint.warn('unknown: on no engine that answers'),
  };
  return (['missing', 'unknown'] as const).flatMap((observed) => {
    const ordinals = absent.filter((instance) => instance.observed === observed).map(ordinalOf);
    return ordinals.length === 0 ? [] : [hang(`  ${ranges(ordinals)}  `, texts[observed], width)];
  });
}

const ordinalOf = ({ id }: EnginesInstance): number => Number(id.slice(id.lastIndexOf('/') + 1));

const isOutsideGit = (workload: EnginesWorkload): boolean => workload.desiredRevision === undefined;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

function verdictOf(view: EnginesView, { paint, width }: Page): string {
  if (view.asDeclared)
    return paint.bold(paint.good('As far as the engines can tell, everything is as git declares it.'));
  const instances = view.workloads.flatMap((workload) => workload.instances);
  const found = instances.filter((instance): instance is FoundInstance => instance.kind === 'found');
  const counted = [
    { count: found.filter(({ problem }) => problem !== undefined).length, what: 'with a problem' },
    { count: found.filter(({ change }) => change !== undefined).length, what: 'not as git declares' },
    { count: sum(view.workloads.filter(isOutsideGit).map(({ running }) => running)), what: 'not in git' },
    { count: instances.filter(({ observed }) => observed === 'missing').length, what: 'missing' },
    { count: instances.filter(({ observed }) => observed === 'unknown').length, what: 'unknown' },
  ].filter(({ count }) => count > 0);
  const parts = counted.map(({ count, what }) => `${plural(count, 'instance')} ${what}`);
  const sentence = parts.length === 0 ? 'Not everything can be seen' : parts.join(', ');
  const advice = 'What runs goes on running; `muster plan` and `muster apply` need the store.';
  return paint.bold(paint.warn(hang('', `${sentence}. ${advice}`, width)));
}
