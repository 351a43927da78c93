import type { ContainerInfo } from 'dockerode';
import PQueue from 'p-queue';
import type { ForeignObject, ObservedObject } from '../../model/observed.ts';
import type { EngineListing, Whose } from '../engine.ts';
import { changedSince } from './changes.ts';
import type { DockerClient } from './client.ts';
import type { DaemonInfo } from './daemon.ts';
import { listUpdates } from './marks.ts';
import { type Found, lookAt, type Update } from './observe.ts';

/** Inspections in flight: one takes about a millisecond. As many connections stay open. */
const inspectConcurrency = 4;
/** What nothing was heard of is looked at again after so long, should an event have been lost. */
const wholeEveryMs = 300_000;

export type List = (whose: Whose, signal: AbortSignal) => Promise<EngineListing>;

/** What a look found, and when by the daemon's clock it began. */
interface Look {
  readonly daemon: string;
  readonly time: string;
  /** When everything was last looked at, in monotonic ms. */
  readonly wholeAt: number;
  readonly known: ReadonlyMap<string, Known>;
}

interface Known {
  readonly state: string;
  readonly update: Update | undefined;
  readonly found: Found;
}

/**
 * Every container of the daemon: ours in full, the others as what they occupy. The daemon's own list has neither limits
 * nor exit codes, so each container is inspected, which for thousands of nodes is all the work there is. So from the
 * second look on the daemon is asked what has happened since the last one began, and only that is inspected.
 */
export function openListing(client: DockerClient, readInfo: (signal: AbortSignal) => Promise<DaemonInfo>): List {
  const looks = new Map<Whose, Look>();
  return async (whose, signal) => {
    // Before anything is looked at: what happens from here on, the next look is told.
    const { ID: daemon, SystemTime: time } = await readInfo(signal);
    const last = looks.get(whose);
    const isWhole = last === undefined || last.daemon !== daemon || performance.now() - last.wholeAt > wholeEveryMs;
    const [containers, updates, changed] = await Promise.all([
      client.docker.listContainers({ all: true, abortSignal: signal }),
      listUpdates(client, whose, signal),
      isWhole ? undefined : changedSince(client, { since: last.time, until: time }, signal),
    ]);
    const known = await lookAtAll(containers, async (container) => {
      const update = updates.get(container.Id);
      const before = changed === undefined || changed.has(container.Id) ? undefined : last?.known.get(container.Id);
      const isSame = before?.state === container.State && before.update?.revision === update?.revision;
      const found = isSame ? before?.found : await lookAt(client, container, { whose, update }, signal);
      return found && { state: container.State, update, found };
    });
    const wholeAt = changed === undefined ? performance.now() : (last?.wholeAt ?? 0);
    looks.set(whose, { daemon, time, wholeAt, known });
    return listingOf([...known.values()].map(({ found }) => found));
  };
}

async function lookAtAll(
  containers: readonly ContainerInfo[],
  look: (container: ContainerInfo) => Promise<Known | undefined>,
): Promise<ReadonlyMap<string, Known>> {
  const queue = new PQueue({ concurrency: inspectConcurrency });
  const looked = await Promise.all(
    containers.map((container) => queue.add(async () => [container.Id, await look(container)] as const)),
  );
  return new Map(looked.flatMap(([id, known]) => (known === undefined ? [] : [[id, known] as const])));
}

function listingOf(all: readonly Found[]): EngineListing {
  const objects: ObservedObject[] = [];
  const foreign: ForeignObject[] = [];
  for (const found of all) {
    if (found.kind === 'ours') objects.push(found.object);
    else if (found.kind === 'foreign') foreign.push(found.object);
  }
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
  return { objects: objects.sort(byName), foreign: foreign.sort(byName) };
}
