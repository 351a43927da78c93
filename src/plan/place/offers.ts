import type { EngineOffers } from '../../model/observed.ts';
import type { Revision } from '../../model/revision.ts';
import type { ClusterNode } from '../cluster.ts';
import { valueAt } from '../compare.ts';

/** What an engine that is asked for has to be able to do. */
export type Asked = Pick<Revision, 'engine' | 'options'>;

/** The first option of a revision that the engine of a node does not offer; of one that says nothing, all is believed. */
export function whyNotOffered(
  node: ClusterNode,
  asked: Asked,
): { readonly key: string; readonly text: string } | undefined {
  if (asked.options === undefined) return undefined;
  const engine = node.observed?.engines[asked.engine];
  const offers: EngineOffers = (engine?.kind === 'reachable' ? engine.offers : undefined) ?? {};
  for (const [path, values] of Object.entries(offers)) {
    const value = valueAt(asked, path);
    if (value === undefined || values.includes(String(value))) continue;
    const key = fieldOf(asked.engine, path);
    return { key, text: values.length === 0 ? `lack ${key}` : `lack ${key} ${value}` };
  }
  return undefined;
}

/** `/options/swapBytes` → `docker.swap`, as it is written in git. */
const fieldOf = (engine: string, path: string): string =>
  `${engine}${path.replace(/^\/options/, '').replaceAll('/', '.')}`.replace(/(?:Bytes|Millis|Ms)$/, '');
