import { type NodeName, nodeName, type PodName, podName } from '../model/ids.ts';
import type { PlanInputs } from '../plan/inputs.ts';
import { nearest } from '../source/suggest.ts';
import { CliError } from './exit.ts';

type Named = Pick<PlanInputs, 'desired' | 'recorded'>;

/** Nodes by name, declared ones and those that still hold something. Throws with a near match. */
export const namedNodes = (inputs: Named, names: readonly string[]): readonly NodeName[] => {
  const known = knownNodes(inputs);
  return names.map((name) => nodeName(requireKnown('node', name, known)));
};

export function nodesOfZones({ desired }: Named, zones: readonly string[]): readonly NodeName[] {
  const known = new Set(desired.nodes.flatMap(({ zone }) => (zone === undefined ? [] : [zone])));
  const lost = new Set(zones.map((zone) => requireKnown('zone', zone, known)));
  return desired.nodes.filter(({ zone }) => zone !== undefined && lost.has(zone)).map(({ name }) => name);
}

export function namedPods({ desired }: Named, names: readonly string[]): readonly PodName[] {
  const known = new Set<string>(desired.nodes.map(({ pod }) => pod));
  return names.map((name) => podName(requireKnown('pod', name, known)));
}

export const knownNodes = ({ desired, recorded }: Named): ReadonlySet<string> =>
  new Set<string>([...desired.nodes.map(({ name }) => name), ...recorded.allocations.map(({ node }) => node)]);

function requireKnown(kind: string, name: string, known: ReadonlySet<string>): string {
  if (known.has(name)) return name;
  throw unknownName(kind, name, known);
}

/** Says what was probably meant, or what there is. */
export function unknownName(kind: string, name: string, known: Iterable<string>): CliError {
  const near = nearest(name, known);
  const names = [...known].sort();
  const some = names.slice(0, mostNames).join(', ');
  const all = names.length > mostNames ? `${some}, … (${names.length})` : some || 'none';
  return new CliError(`there is no ${kind} ${name}`, {
    hint: near === undefined ? `There ${names.length === 1 ? 'is' : 'are'}: ${all}` : `Did you mean ${near}?`,
  });
}

const mostNames = 10;
