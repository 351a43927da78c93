import type { ObservedNode } from '../../model/observed.ts';
import type { Revision } from '../../model/revision.ts';

/** Why the engine of a node cannot do what the options of a revision ask for; undefined where it says nothing of them. */
export function whyNotOffered(
  observed: ObservedNode | undefined,
  { engine, options }: Pick<Revision, 'engine' | 'options'>,
): string | undefined {
  const seen = observed?.engines[engine];
  if (options === undefined || seen?.kind !== 'reachable') return undefined;
  for (const [pointer, values] of Object.entries(seen.offers ?? {})) {
    let asked: unknown = { options };
    for (const key of pointer.split('/').slice(1)) {
      asked = typeof asked === 'object' && asked !== null ? Reflect.get(asked, key) : undefined;
    }
    if (asked !== undefined && !values.includes(`${asked}`))
      return `its ${engine} engine does not offer ${pointer} ${asked}`;
  }
  return undefined;
}
