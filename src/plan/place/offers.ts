import type { Revision } from '../../model/revision.ts';
import type { ClusterNode } from '../cluster.ts';
import { valueAt } from '../compare.ts';

/** What an engine that is asked for has to be able to do. */
export type Asked = Pick<Revision, 'engine' | 'options' | 'limits'>;

/** What of it engines of one kind may differ in: what asks for the same of it is answered the same everywhere. */
export const askedKey = ({ engine, options, limits }: Asked): readonly unknown[] => [
  engine,
  options,
  limits.cpuMillis === 'unlimited',
  limits.memoryBytes === 'unlimited',
];

/** The first option of a revision that the engine of a node does not offer; of one that says nothing, all is believed. */
export function whyNotOffered(
  node: ClusterNode,
  asked: Asked,
): { readonly key: string; readonly text: string } | undefined {
  const engine = node.observed?.engines[asked.engine];
  if (engine?.kind !== 'reachable' || engine.offers === undefined) return undefined;
  for (const [path, values] of Object.entries(engine.offers)) {
    const value = valueAt(asked, path);
    // A limit that is not there asks for nothing.
    if (value === undefined || value === 'unlimited' || values.includes(String(value))) continue;
    const key = fieldOf(asked.engine, path);
    return { key, text: values.length === 0 ? `lack ${key}` : `lack ${key} ${value}` };
  }
  return undefined;
}

/** `/options/swapBytes` → `docker.swap`, `/limits/memoryBytes` → `limits.memory`, as it is written in git. */
const fieldOf = (engine: string, path: string): string =>
  path
    .replace(/^\/options/, `/${engine}`)
    .slice(1)
    .replaceAll('/', '.')
    .replace(/(?:Bytes|Millis|Ms)$/, '');
