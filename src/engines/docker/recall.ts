import type { Origin } from '../../model/observed.ts';
import type { DockerClient } from './client.ts';
import { definitionFrom, filesOf } from './definition.ts';
import { readFiles } from './files.ts';
import { ownershipOf } from './labels.ts';
import { lastUpdate } from './marks.ts';
import { inspect } from './observe.ts';

/** What a container of ours was made from, or was last updated to in place; undefined when it is gone or not ours. */
export async function recallObject(
  client: DockerClient,
  objectId: string,
  signal: AbortSignal,
): Promise<Origin | undefined> {
  const details = await inspect(client, objectId, signal);
  const owner = details && ownershipOf(details.Config.Labels, client.scope.uid);
  if (details === undefined || owner === undefined) return undefined;
  const update = await lastUpdate(client, details.Id, signal);
  const found = update?.labels ?? details.Config.Labels ?? {};
  const contents = await readFiles(client, { objectId: details.Id, paths: filesOf(found) }, signal);
  const environment = details.Config.Env ?? [];
  return { revisionHash: update?.revision ?? owner.revision, ...definitionFrom(found, { environment, contents }) };
}
