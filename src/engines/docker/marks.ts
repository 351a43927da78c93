import { type RevisionHash, revisionHash } from '../../model/ids.ts';
import type { UpdateRequest, Whose } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { definitionLabels } from './definition.ts';
import { unlessStatus } from './errors.ts';
import { labels, type Ownership } from './labels.ts';
import { weightsLabel } from './weights.ts';

/**
 * A container's labels cannot be changed, so the revision that an update in place brought it to is kept beside it: an
 * empty volume whose labels name the container and the revision. It lives in the daemon with what it describes, is
 * listed in one request, and is removed with the container.
 */
const markLabels = {
  object: 'io.muster.marks',
  revision: labels.revision,
  sequence: 'io.muster.sequence',
  probed: labels.probed,
  weights: labels.weights,
} as const;

interface Mark {
  readonly volume: string;
  readonly object: string;
  readonly revision: RevisionHash;
  readonly probed: boolean;
  readonly weights: string;
  readonly sequence: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Container id → what its last update in place made of it. */
export async function listUpdates(
  client: DockerClient,
  whose: Whose,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Pick<Ownership, 'revision' | 'probed' | 'weights'>>> {
  const marks = await listMarks(client, whose, signal);
  const oldestFirst = marks.sort((a, b) => a.sequence - b.sequence);
  return new Map(oldestFirst.map(({ object, revision, probed, weights }) => [object, { revision, probed, weights }]));
}

/** What the last update in place has said of a container; undefined where there was none. */
export async function lastUpdate(
  client: DockerClient,
  object: string,
  signal: AbortSignal,
): Promise<{ readonly revision: RevisionHash; readonly labels: Readonly<Record<string, string>> } | undefined> {
  const marks = (await listMarks(client, 'uid', signal)).filter((mark) => mark.object === object);
  return marks.sort((a, b) => a.sequence - b.sequence).at(-1);
}

/** Idempotent; the newest mark counts, so a crash before the old ones are removed does no harm. */
export async function markRevision(
  client: DockerClient,
  object: string,
  request: UpdateRequest,
  signal: AbortSignal,
): Promise<void> {
  const {
    revisionHash: revision,
    revision: { health },
  } = request;
  const weights = weightsLabel(request.revision);
  const before = (await listMarks(client, 'uid', signal)).filter((mark) => mark.object === object);
  const sequence = Math.max(0, ...before.map((mark) => mark.sequence)) + 1;
  await client.docker.createVolume({
    Name: `muster.${object.slice(0, 12)}.${sequence}`,
    Labels: {
      [labels.cluster]: client.scope.uid ?? '',
      [markLabels.object]: object,
      [markLabels.revision]: revision,
      [markLabels.sequence]: String(sequence),
      ...(health !== undefined && { [markLabels.probed]: 'true' }),
      ...(weights !== '' && { [markLabels.weights]: weights }),
      ...definitionLabels(request),
    },
    abortSignal: signal,
  });
  await removeVolumes(client, before, signal);
}

export async function removeMarks(client: DockerClient, object: string, signal: AbortSignal): Promise<void> {
  const marks = await listMarks(client, 'uid', signal);
  await removeVolumes(
    client,
    marks.filter((mark) => mark.object === object),
    signal,
  );
}

async function listMarks(client: DockerClient, whose: Whose, signal: AbortSignal): Promise<Mark[]> {
  const { uid } = client.scope;
  if (whose === 'uid' && uid === undefined) return [];
  // A mark names its container by id, so that one of another uid says nothing about ours.
  const owner = whose === 'uid' ? `${labels.cluster}=${uid}` : labels.cluster;
  const answer = await client.docker.listVolumes({
    filters: { label: [owner, markLabels.object] },
    abortSignal: signal,
  });
  // The API answers null where there are none.
  return (answer.Volumes ?? []).map((volume) => ({
    volume: volume.Name,
    object: volume.Labels[markLabels.object] ?? '',
    revision: revisionHash(volume.Labels[markLabels.revision] ?? ''),
    probed: volume.Labels[markLabels.probed] !== undefined,
    weights: volume.Labels[markLabels.weights] ?? '',
    sequence: Number(volume.Labels[markLabels.sequence] ?? 0),
    labels: volume.Labels,
  }));
}

async function removeVolumes(client: DockerClient, marks: readonly Mark[], signal: AbortSignal): Promise<void> {
  for (const mark of marks)
    await unlessStatus([404], client.docker.getVolume(mark.volume).remove({ abortSignal: signal }));
}
