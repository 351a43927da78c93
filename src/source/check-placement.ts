import type { AffinityRule, DesiredWorkload, Domain } from '../model/desired.ts';
import type { Candidates } from './candidates.ts';
import { type DeclaredNames, some, unknownWorkload } from './dangling.ts';
import type { Declared } from './normalise.ts';
import type { Problem } from './problem.ts';
import { workloadIdOf } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';
import { didYouMean } from './suggest.ts';

type Placement = NonNullable<Workload['spec']['placement']>;

/** Wishes for a place that nothing declared can grant. */
export function checkPlacement(workload: Declared<DesiredWorkload>, names: DeclaredNames): readonly Problem[] {
  const { placement = {} } = (workload.document.value as unknown as Workload).spec;
  return [
    ...affinities(workload, placement, names),
    ...contradictions(workload, placement),
    ...onCandidates(workload, placement, names),
  ];
}

/** Nothing is said of a workload that no node may run: that is another mistake, or capacity that is still to come. */
function onCandidates(
  workload: Declared<DesiredWorkload>,
  placement: Placement,
  { candidatesOf }: DeclaredNames,
): readonly Problem[] {
  if (placement.spread === undefined && workload.item.revision.volumes === undefined) return [];
  const candidates = candidatesOf(workload.item);
  if (candidates.nodes.length === 0) return [];
  return [...spreads(workload, placement, candidates), ...devices(workload, candidates)];
}

function affinities(
  { item, document }: Declared<DesiredWorkload>,
  placement: Placement,
  { workloads }: DeclaredNames,
): readonly Problem[] {
  return (['affinity', 'antiAffinity'] as const).flatMap((key) =>
    (placement[key] ?? []).flatMap(({ to }, index) => {
      const id = workloadIdOf(to, item.namespace);
      const pointer = `/spec/placement/${key}/${index}/to`;
      return workloads.has(id) ? [] : [unknownWorkload({ document, pointer, name: to, id, workloads })];
    }),
  );
}

/** From the narrowest to the widest: two instances in one domain are in one of every wider kind as well. */
const widths: Readonly<Record<Domain, number>> = { node: 0, rack: 1, zone: 2 };

function contradictions({ item, document }: Declared<DesiredWorkload>, placement: Placement): readonly Problem[] {
  const near = rulesOf(placement.affinity, item.namespace);
  return rulesOf(placement.antiAffinity, item.namespace).flatMap(({ to, by }, index): readonly Problem[] => {
    const other = near.findIndex((rule) => rule.to === to && widths[rule.by] <= widths[by]);
    const rule = near[other];
    if (rule === undefined) return [];
    const message = `it is to be near to ${to} (same ${rule.by}) and away from it (another ${by})`;
    const hint = 'remove one of them, or keep apart in a narrower domain: `by: node` beside an affinity `by: zone`';
    const related = { document, pointer: `/spec/placement/affinity/${other}`, message: 'the affinity' };
    return [{ document, code: 'MUS1328', pointer: `/spec/placement/antiAffinity/${index}`, message, hint, related }];
  });
}

/** In the order in which they are written, which the model's are not. */
const rulesOf = (rules: Placement['affinity'], namespace: string): readonly Pick<AffinityRule, 'to' | 'by'>[] =>
  (rules ?? []).map(({ to, by = 'node' }) => ({ to: workloadIdOf(to, namespace), by }));

function spreads(
  { item, document }: Declared<DesiredWorkload>,
  { spread }: Placement,
  { nodes, domains }: Candidates,
): readonly Problem[] {
  if (spread === undefined || item.type === 'daemon') return [];
  const isList = Array.isArray(spread);
  return (isList ? spread : [spread]).flatMap(({ by, minDomains = 1 }, index): readonly Problem[] => {
    const found = domains[by];
    // Fewer replicas than domains are spread as far as they go.
    if (item.replicas < minDomains || found.size >= minDomains) return [];
    const rule = `/spec/placement/spread${isList ? `/${index}` : ''}`;
    const runners = nodes.length === 1 ? 'the node that may run it' : `the ${nodes.length} nodes that may run it`;
    if (found.size === 0) {
      const message = `it is to be spread by ${by}, and ${nodes.length === 1 ? `${runners} names` : `${runners} name`} none`;
      const hint = `give the nodes a ${by}, or spread by node`;
      return [{ document, code: 'MUS1327', pointer: `${rule}/by`, message, found: by, hint }];
    }
    const has =
      by === 'node' ? `${found.size} may run it` : `${runners} ${nodes.length === 1 ? 'is' : 'are'} in ${found.size}`;
    const message = `the spread needs ${minDomains} ${by}s, and ${has}: ${some(found).join(', ')}`;
    const hint = `lower minDomains, or place it in more pods${by === 'node' ? '' : `, or give nodes another ${by}`}`;
    const pointer = `${rule}/minDomains`;
    return [{ document, code: 'MUS1327', pointer, message, found: String(minDomains), hint }];
  });
}

function devices({ document }: Declared<DesiredWorkload>, candidates: Candidates): readonly Problem[] {
  const { volumes = [] } = (document.value as unknown as Workload).spec;
  return volumes.flatMap(({ name, source = 'auto' }, index): readonly Problem[] => {
    const pointer = `/spec/volumes/${index}`;
    if (source === 'auto' && candidates.devices.size === 0) {
      const message = `volume ${name}: no node that may run it has a device for volumes`;
      const hint =
        'declare devices in capacity.volumes of the nodes, or use a directory of the node: `source: host:/PATH`';
      return [{ document, code: 'MUS1323', pointer, message, hint }];
    }
    if (!source.startsWith('/') || candidates.devices.has(source)) return [];
    const message = `volume ${name}: no node that may run it has the device ${source}`;
    const near = didYouMean(source, candidates.devices);
    const hint = near.hint ?? `a directory of the node is written \`source: host:${source}\``;
    const allowed = some(candidates.devices);
    return [{ document, code: 'MUS1323', pointer: `${pointer}/source`, message, found: source, allowed, hint }];
  });
}
