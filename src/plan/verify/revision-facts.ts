import type { Revision, RevisionPort, RevisionVolume } from '../../model/revision.ts';

/** What the rules ask of a revision again and again, found once. */
export interface RevisionFacts {
  readonly revision: Revision;
  readonly published: readonly RevisionPort[];
  /** Names of the ports that are counted apart; mostly there are none. */
  readonly udp: ReadonlySet<string> | undefined;
  /** Volumes that are held on a device of the node. */
  readonly localVolumes: readonly RevisionVolume[];
  readonly extended: readonly ExtendedAsk[];
  /** The network that its address is in; '' when it asks for none. */
  readonly network: string;
}

export interface ExtendedAsk {
  readonly kind: string;
  readonly milli: number;
}

export function revisionFacts(revision: Revision): RevisionFacts {
  const udp = revision.ports.filter(({ protocol }) => protocol === 'udp').map(({ name }) => name);
  return {
    revision,
    published: revision.ports.filter(({ publish }) => publish !== 'none'),
    udp: udp.length === 0 ? undefined : new Set(udp),
    localVolumes: (revision.volumes ?? []).filter(({ source }) => source.kind === 'auto' || source.kind === 'device'),
    extended: Object.entries(revision.resources.extended)
      .filter(([, milli]) => milli > 0)
      .map(([kind, milli]) => ({ kind, milli })),
    network: revision.network?.name ?? '',
  };
}
