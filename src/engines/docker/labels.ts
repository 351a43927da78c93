import {
  type AllocationId,
  type ClusterUid,
  clusterUid,
  type FencingToken,
  isAllocationId,
  parseFencingToken,
  type RevisionHash,
  revisionHash,
} from '../../model/ids.ts';
import { type CreateRequest, listensOnPublished } from '../engine.ts';
import { definitionLabels } from './definition.ts';
import { weightsLabel } from './weights.ts';

/** Labels on every container that Muster makes. They are what says whose it is, on a daemon that others use too. */
export const labels = {
  cluster: 'io.muster.cluster',
  allocation: 'io.muster.allocation',
  revision: 'io.muster.revision',
  effect: 'io.muster.effect',
  token: 'io.muster.token',
  /** JSON: port name → `8080/tcp`, so that an observer can name what docker only numbers. */
  ports: 'io.muster.ports',
  /** JSON: volume name → its directory on the node, for volumes on a device. */
  volumes: 'io.muster.volumes',
  /** Of what is not `online`: the weights that it was made with. */
  weights: 'io.muster.weights',
  /** There when Muster probes the instance by itself. */
  probed: 'io.muster.probed',
} as const;

export interface Ownership {
  readonly cluster: ClusterUid;
  readonly allocation: AllocationId;
  readonly revision: RevisionHash;
  readonly token?: FencingToken;
  readonly ports: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, string>>;
  readonly probed: boolean;
  readonly weights: string;
}

/** `directories`: of its volumes on devices, by volume. */
export function labelsOf(
  request: CreateRequest,
  cluster: ClusterUid,
  directories: Readonly<Record<string, string>>,
): Record<string, string> {
  const { revision, holds } = request;
  const weights = weightsLabel(revision);
  const ports = Object.fromEntries(
    revision.ports.map(({ name, port, protocol }) => {
      const listens = listensOnPublished(revision) ? (holds.ports?.[name] ?? port) : port;
      return [name, `${listens}/${protocol}`];
    }),
  );
  return {
    [labels.cluster]: cluster,
    [labels.allocation]: request.allocation,
    [labels.revision]: request.revisionHash,
    [labels.effect]: request.effect,
    [labels.token]: request.token,
    [labels.ports]: JSON.stringify(ports),
    ...definitionLabels(request),
    ...(Object.keys(directories).length > 0 && { [labels.volumes]: JSON.stringify(directories) }),
    ...(request.revision.health !== undefined && { [labels.probed]: 'true' }),
    ...(weights !== '' && { [labels.weights]: weights }),
  };
}

/** Whose a container is, or undefined where its labels are not (or not wholly) of this cluster: then it is foreign. */
export function ownershipOf(
  found: Readonly<Record<string, string>> | null | undefined,
  cluster: ClusterUid | undefined,
): Ownership | undefined {
  const uid = found?.[labels.cluster];
  const allocation = found?.[labels.allocation];
  const revision = found?.[labels.revision];
  if (cluster === undefined || uid !== cluster || allocation === undefined || revision === undefined) return undefined;
  if (!isAllocationId(allocation)) return undefined;
  const token = found?.[labels.token] ?? '';
  return {
    cluster: clusterUid(uid),
    allocation,
    revision: revisionHash(revision),
    ...(parseFencingToken(token) !== undefined && { token: token as FencingToken }),
    ports: textsOf(found?.[labels.ports]),
    volumes: textsOf(found?.[labels.volumes]),
    probed: found?.[labels.probed] !== undefined,
    weights: found?.[labels.weights] ?? '',
  };
}

function textsOf(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(
      Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {}; // Somebody wrote our label by hand: what it says is not known, all else still holds.
  }
}
