import type { Origin } from '../../model/observed.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Revision, RevisionFile } from '../../model/revision.ts';
import type { CreateRequest } from '../engine.ts';

/** JSON, on containers and beside them: what an object was made from, for a store that has to be rebuilt. */
const definitionLabel = 'io.muster.definition';
const holdsLabel = 'io.muster.holds';

/** A revision that has of its environment and files only what cannot be read from the container itself. */
type Definition = Omit<Revision, 'env' | 'files'> & {
  readonly env: Readonly<Record<string, string | null>>;
  readonly files?: readonly (Omit<RevisionFile, 'content'> & { readonly content: null })[];
};

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
  const { files, ...rest } = revision;
  const definition: Definition = {
    ...rest,
    env,
    ...(files !== undefined && { files: files.map((file) => ({ ...file, content: null })) }),
  };
  return { [definitionLabel]: JSON.stringify(definition), [holdsLabel]: JSON.stringify(holds) };
}

/** Paths of the files that a container was made with, whose contents it has alone. */
export const filesOf = (found: Readonly<Record<string, string>>): readonly string[] =>
  ((objectOf(found[definitionLabel]) as Definition | undefined)?.files ?? []).map(({ name }) => name);

/** The same read back. What somebody wrote by hand is not told. */
export function definitionFrom(
  found: Readonly<Record<string, string>>,
  /** `environment`: lines of the container's own, `NAME=value`; `contents`: of its files, by path. */
  {
    environment,
    contents,
  }: { readonly environment: readonly string[]; readonly contents: ReadonlyMap<string, string> },
): Pick<Origin, 'revision' | 'holds'> {
  const definition = objectOf(found[definitionLabel]) as Definition | undefined;
  const holds = objectOf(found[holdsLabel]) as Holds | undefined;
  return {
    ...(definition !== undefined && { revision: revisionFrom(definition, { environment, contents }) }),
    ...(holds !== undefined && { holds }),
  };
}

function revisionFrom(
  { files, ...definition }: Definition,
  {
    environment,
    contents,
  }: { readonly environment: readonly string[]; readonly contents: ReadonlyMap<string, string> },
): Revision {
  return {
    ...definition,
    env: filled(definition.env ?? {}, environment),
    ...(files !== undefined && {
      files: files.map((file) => ({ ...file, content: contents.get(file.name) ?? '' })),
    }),
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
