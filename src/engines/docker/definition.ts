import type { Origin } from '../../model/observed.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { CreateRequest } from '../engine.ts';

/** JSON, on containers and beside them: what an object was made from, for a store that has to be rebuilt. */
const definitionLabel = 'io.muster.definition';
const holdsLabel = 'io.muster.holds';

/** A revision whose environment has only what cannot be read from the container itself. */
type Definition = Omit<Revision, 'env'> & { readonly env: Readonly<Record<string, string | null>> };

/**
 * Labels go where environments must not: into events, metrics and listings. So values of the environment are left out,
 * since the container has them; but for those that name other variables, which the container has replaced.
 */
export function definitionLabels({
  revision,
  holds,
}: Pick<CreateRequest, 'revision' | 'holds'>): Readonly<Record<string, string>> {
  const env = Object.fromEntries(
    Object.entries(revision.env).map(([name, value]) => [name, value.includes('$') ? value : null]),
  );
  const definition: Definition = { ...revision, env };
  return { [definitionLabel]: JSON.stringify(definition), [holdsLabel]: JSON.stringify(holds) };
}

/** The same read back; `environment`: lines of the container's own, `NAME=value`. What somebody wrote by hand is not told. */
export function definitionFrom(
  found: Readonly<Record<string, string>>,
  environment: readonly string[],
): Pick<Origin, 'revision' | 'holds'> {
  const definition = objectOf(found[definitionLabel]) as Definition | undefined;
  const holds = objectOf(found[holdsLabel]) as Holds | undefined;
  return {
    ...(definition !== undefined && { revision: { ...definition, env: filled(definition.env ?? {}, environment) } }),
    ...(holds !== undefined && { holds }),
  };
}

function filled(env: Definition['env'], environment: readonly string[]): Revision['env'] {
  const values = new Map(
    environment.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? values.get(name) ?? '']));
}

function objectOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
