import type { ObservedNode } from '../../model/observed.ts';
import type { Revision } from '../../model/revision.ts';

/** What an engine that is asked for has to be able to do. */
export type Asked = Pick<Revision, 'engine'> & Partial<Pick<Revision, 'options' | 'limits'>>;

/** Why the engine of a node cannot do what the options and limits of a revision ask for; undefined where it says nothing of them. */
export function whyNotOffered(
  observed: ObservedNode | undefined,
  { engine, options, limits }: Asked,
): string | undefined {
  const seen = observed?.engines[engine];
  if (seen?.kind !== 'reachable') return undefined;
  for (const [pointer, values] of Object.entries(seen.offers ?? {})) {
    let asked: unknown = { options, limits };
    for (const key of pointer.split('/').slice(1)) {
      asked = typeof asked === 'object' && asked !== null ? Reflect.get(asked, key) : undefined;
    }
    if (asked !== undefined && asked !== 'unlimited' && !values.includes(`${asked}`))
      return `its ${engine} engine does not offer ${pointer} ${asked}`;
  }
  return undefined;
}
