import { constants } from 'node:os';
import type { ForeignObject, ObjectState, ObservedObject, Origin } from '../../model/observed.ts';
import { noResources } from '../../model/resources.ts';
import type { CallSite } from '../deadline.ts';
import type { EngineListing, Whose } from '../engine.ts';
import { changedByHand } from './drift.ts';
import { limitsInForce, parseTimespan } from './limits.ts';
import { objectIdOf, parseObjectId, shownName, unitName } from './names.ts';
import type { SystemdNode } from './node.ts';
import { type OwnUnit, type SurveyedUnit, survey, surveyOne } from './survey.ts';
import { portsOf } from './unit-file.ts';

/** Units of Muster's and those that somebody else named so; and the ports that nothing of ours listens on. */
export async function listObjects(
  node: SystemdNode,
  site: CallSite,
  whose: Whose,
  signal: AbortSignal,
): Promise<EngineListing> {
  const { units, listening } = await survey(node, site, {}, signal);
  const there = units.filter(isThere);
  const ours = there.filter((unit): unit is OwnUnit => isOurs(node, unit, whose));
  const foreign = there.filter((unit) => !isOurs(node, unit, whose)).map(foreignOf);
  const own = new Set(
    ours.filter(({ shown }) => isActive(shown)).flatMap(({ record }) => Object.values(portsOf(record))),
  );
  const ports = listening.tcp.filter((port) => !own.has(port));
  const sockets: ForeignObject = { engine: 'systemd', name: 'listening sockets', resources: noResources, ports };
  return {
    objects: ours.map((unit) => observed(node, unit)),
    foreign: ports.length === 0 ? foreign : [...foreign, sockets],
  };
}

export async function observeObject(
  node: SystemdNode,
  site: CallSite,
  objectId: string,
  signal: AbortSignal,
): Promise<ObservedObject | undefined> {
  const unit = await findObject(node, site, objectId, signal);
  return unit && observed(node, unit);
}

export async function recallObject(
  node: SystemdNode,
  site: CallSite,
  objectId: string,
  signal: AbortSignal,
): Promise<Origin | undefined> {
  const unit = await findObject(node, site, objectId, signal);
  if (unit === undefined) return undefined;
  const { revisionHash, revision, holds } = unit.record;
  return { revisionHash, revision, holds };
}

/** Our object of this id; undefined when it is gone, or not ours. */
export async function findObject(
  node: SystemdNode,
  site: CallSite,
  objectId: string,
  signal: AbortSignal,
): Promise<(OwnUnit & { readonly listening: Readonly<Record<'tcp' | 'udp', readonly number[]>> }) | undefined> {
  const id = parseObjectId(objectId);
  if (id === undefined) return undefined;
  const { unit, listening } = await surveyOne(node, site, id.unit, signal);
  if (!isOurs(node, unit, 'uid') || !isThere(unit) || unit.record.serial !== id.serial) return undefined;
  return { ...unit, listening };
}

/** A unit whose file somebody took away is there as long as it runs; a folder without a unit is what an interruption left. */
export const isThere = ({ file, shown }: SurveyedUnit): boolean =>
  file !== undefined || isActive(shown) || (shown.get('FragmentPath') ?? '') !== '';

/** A record without the unit that it speaks of, or beside another one, makes nothing ours: unit files carry the serial as well. */
export function isOurs(node: SystemdNode, unit: SurveyedUnit, whose: Whose): unit is OwnUnit {
  const { record, file, name } = unit;
  if (record === undefined) return false;
  if (file !== undefined && !file.includes(`\nObject=${record.serial}\n`)) return false;
  if (whose === 'uid') return record.cluster === node.cluster.uid;
  return name === unitName(node.cluster.name, record.allocation);
}

export const isActive = (shown: ReadonlyMap<string, string>): boolean =>
  ['active', 'activating', 'deactivating', 'reloading', 'refreshing'].includes(shown.get('ActiveState') ?? '');

function observed(node: SystemdNode, unit: OwnUnit): ObservedObject {
  const { record, shown } = unit;
  const state = stateOf(unit);
  const ended = exitOf(unit.exit);
  const startedAt = state === 'running' ? parseTimestamp(shown.get('ExecMainStartTimestamp')) : undefined;
  const host = node.endpoint.publishAddress ?? node.reachableHost;
  return {
    node: node.node,
    engine: 'systemd',
    objectId: objectIdOf(unit.name, record.serial),
    name: shownName(unit.name),
    cluster: record.cluster,
    allocation: record.allocation,
    revision: record.revisionHash,
    token: record.token,
    state,
    // systemd has no checks of its own that Muster uses: it probes itself.
    health: record.revision.health === undefined ? 'none' : 'unknown',
    ...((state === 'exited' || state === 'restarting') && ended !== undefined && { exitCode: ended.exitCode }),
    ...(startedAt !== undefined && { startedAt }),
    // A unit that ended is forgotten by systemd, its count included.
    restarts: isActive(shown) ? Number(shown.get('NRestarts') ?? 0) : (ended?.restarts ?? 0),
    ports: Object.fromEntries(Object.entries(portsOf(record)).map(([name, port]) => [name, { host, port }])),
    actual: actualOf(unit),
  };
}

/** Of a unit without a file systemd knows nothing but that it runs. */
function actualOf(unit: OwnUnit): ObservedObject['actual'] {
  if (unit.file === undefined) return changedByHand(unit);
  const { shown, record } = unit;
  return { '/restart': restartInForce(shown), ...limitsInForce(shown, record.revision), ...changedByHand(unit) };
}

function stateOf({ shown, started }: SurveyedUnit): ObjectState {
  const state = shown.get('ActiveState');
  if (state === 'activating') return 'restarting';
  if (isActive(shown)) return 'running';
  return started ? 'exited' : 'created';
}

/** `exited 0 2`, `killed KILL 0`: how it ended, and how often systemd had started it again by then. */
function exitOf(note: string | undefined): { readonly exitCode: number; readonly restarts: number } | undefined {
  const [, how, status = '', restarts = '0'] = /^(\w+) (\w+) ?(\d*)$/.exec(note ?? '') ?? [];
  if (how === undefined) return undefined;
  const signals: Readonly<Record<string, number>> = constants.signals;
  const exitCode = how === 'exited' ? Number(status) : 128 + (signals[`SIG${status}`] ?? 0);
  return { exitCode, restarts: Number(restarts) };
}

/** What systemd calls `no`, Muster calls `never`. */
const restartInForce = (shown: ReadonlyMap<string, string>): string => {
  const restart = shown.get('Restart') ?? 'no';
  return restart === 'no' ? 'never' : restart;
};

/** `Sun 2026-11-22 11:39:59.217915 UTC` → Unix ms */
function parseTimestamp(text: string | undefined): number | undefined {
  const [, day, time] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) UTC/.exec(text ?? '') ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`);
}

/** Charged by its limits while it runs. Without limits nothing is known that a plan could rely on. */
function foreignOf({ name, shown }: SurveyedUnit): ForeignObject {
  const memory = Number(shown.get('MemoryMax'));
  const quotaMicros = parseTimespan(shown.get('CPUQuotaPerSecUSec') ?? 'infinity');
  const resources = {
    ...(quotaMicros !== undefined && { cpuMillis: Math.round(quotaMicros / 1000) }),
    ...(Number.isInteger(memory) && { memoryBytes: memory }),
  };
  return {
    engine: 'systemd',
    name: shownName(name),
    resources: isActive(shown) ? resources : noResources,
    ports: [],
  };
}
