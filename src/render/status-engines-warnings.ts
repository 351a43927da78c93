import type { PlanWarning } from '../model/plan.ts';
import { plural } from './layout.ts';
import type { EnginesNode, EnginesWorkload, FoundInstance, UidCount } from './status-engines-shape.ts';

/** Names that one message lists; the view has them all. */
const mostNames = 5;

/** What cannot be known without the store, always; then what somebody must know before the store is put back. */
export function warningsOf(view: {
  readonly cluster: string;
  readonly uids: readonly UidCount[];
  readonly silent: readonly EnginesNode[];
  readonly workloads: readonly EnginesWorkload[];
}): readonly PlanWarning[] {
  return [
    { code: 'MUS5011', message: notAsked },
    ...(view.uids.length > 1 ? [{ code: 'MUS3011', message: severalUids(view.cluster, view.uids) }] : []),
    ...runningTwice(view.workloads),
    ...(view.silent.length > 0 ? [{ code: 'MUS5006', message: notSeen(view.silent) }] : []),
  ];
}

const notAsked =
  'Only git and the engines were asked. Not known without the store: which generation of an instance is the recorded ' +
  'one, failed revisions, pins and other overrides, units in flight, adopted objects, the health checks of revisions ' +
  'that git no longer declares, and what is on nodes that left git';

function severalUids(cluster: string, uids: readonly UidCount[]): string {
  const owners = uids.map(
    ({ uid, objects, nodes }) => `uid ${uid} has ${plural(objects, 'object')} (${listed(nodes)})`,
  );
  return (
    `Objects of ${plural(uids.length, 'cluster')} are named ${cluster}: ${owners.join('; ')}. One of them is a neighbour of ` +
    'the same name, or from before the store was made anew: find out which uid the store has before anything is applied'
  );
}

function runningTwice(workloads: readonly EnginesWorkload[]): readonly PlanWarning[] {
  const running = workloads
    .flatMap((workload) => workload.instances)
    .filter((instance): instance is FoundInstance => instance.kind === 'found' && instance.observed === 'running');
  const places = new Map<string, string[]>();
  for (const { id, generation, node } of running)
    places.set(id, [...(places.get(id) ?? []), `#${generation} on ${node}`]);
  const twice = [...places].filter(([, own]) => own.length > 1).map(([id, own]) => `${id} (${own.join(', ')})`);
  if (twice.length === 0) return [];
  const message =
    `${plural(twice.length, 'instance')} ${twice.length === 1 ? 'runs' : 'run'} more than once: ${listed(twice)}. A rollout ` +
    'that stopped in the middle looks like this; the store says which one is to stay';
  return [{ code: 'MUS3012', message }];
}

const notSeen = (silent: readonly EnginesNode[]): string =>
  `${listed(silent.map(({ name }) => name))} ${silent.length === 1 ? 'does' : 'do'} not answer: what runs there is not known`;

function listed(names: readonly string[]): string {
  const more = names.length - mostNames;
  return `${names.slice(0, mostNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
