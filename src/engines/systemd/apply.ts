import { randomBytes } from 'node:crypto';
import type { CallSite } from '../deadline.ts';
import type { CreateRequest, EngineError, UpdateRequest } from '../engine.ts';
import { engineFeatures } from '../features.ts';
import { changedBeyond } from '../in-place.ts';
import { type ShellScript, sh } from '../ssh/script.ts';
import { liveProperties } from './limits.ts';
import { objectIdOf, parseObjectId, recordFolder, unitFolder, unitName } from './names.ts';
import { commandFailure, failure, mustRun, runScript, type SystemdNode } from './node.ts';
import { findObject, isActive, isOurs, isThere } from './observe.ts';
import { refuseTakenPorts } from './ports.ts';
import { recordStart, recordText, type UnitRecord } from './record.ts';
import { refuseUnsupported } from './refusals.ts';
import type { Reloads } from './reload.ts';
import { type OwnUnit, surveyOne } from './survey.ts';
import { environmentText, unitText } from './unit-file.ts';

/** Makes the unit, whole or not at all, and starts nothing. See the contract for what an existing unit of that name means. */
export async function createUnit(
  node: SystemdNode,
  request: CreateRequest,
  tools: { readonly site: CallSite; readonly reloads: Reloads },
  signal: AbortSignal,
): Promise<{ readonly objectId: string }> {
  const { site, reloads } = tools;
  const record = newRecord(node, request, site);
  const unit = unitName(node.cluster.name, request.allocation);
  // Twice: somebody may be faster between looking and making.
  for (let tries = 1; tries <= 2; tries += 1) {
    const { unit: found, listening } = await surveyOne(node, site, unit, signal);
    if (isThere(found)) {
      if (!isOurs(node, found, 'uid') || found.record.allocation !== request.allocation)
        throw foreignName(request, unit, found.record === undefined ? found.file : undefined, site);
      return { objectId: objectIdOf(unit, found.record.serial) };
    }
    refuseTakenPorts(record, listening, site);
    const made = await runScript(node, site, creation(unit, record), { signal });
    if (made.exitCode === nameTaken) continue;
    if (made.exitCode !== 0) throw commandFailure(node, site, made);
    if (made.stdout !== '') await reloads.reload(site, signal);
    return { objectId: objectIdOf(unit, record.serial) };
  }
  throw foreignName(request, unit, undefined, site);
}

/** Limits at once and without a restart; everything else that may change is read when it is needed. */
export async function updateUnit(
  node: SystemdNode,
  objectId: string,
  request: UpdateRequest,
  tools: { readonly site: CallSite; readonly reloads: Reloads },
  signal: AbortSignal,
): Promise<void> {
  const { site, reloads } = tools;
  const found = await findObject(node, site, objectId, signal);
  if (found === undefined) throw gone(objectId, site);
  const changed = changedBeyond(engineFeatures.systemd.liveFields, found.record, request);
  if (changed.length > 0) {
    const message = `${found.record.allocation} in place: ${changed.join(', ')} need a new unit`;
    throw failure(site, { code: 'unsupported', message });
  }
  const record = { ...found.record, ...request };
  refuseUnsupported(record, site);
  await mustRun(node, site, rewriting(found, record), signal);
  await reloads.reload(site, signal);
  await refuseOverridden(node, objectId, record, site, signal);
}

/** What runs is never removed; what somebody else put beside it (drop-ins) stays. */
export async function removeUnit(
  node: SystemdNode,
  objectId: string,
  tools: { readonly site: CallSite; readonly reloads: Reloads },
  signal: AbortSignal,
): Promise<void> {
  const { site, reloads } = tools;
  const id = parseObjectId(objectId);
  if (id === undefined) return;
  // Not by `findObject`: a record is removed too whose unit somebody else has taken away.
  const { unit: found } = await surveyOne(node, site, id.unit, signal);
  if (!isOurs(node, found, 'uid') || found.record.serial !== id.serial) return;
  if (isActive(found.shown)) {
    const message = `${found.record.allocation}: ${found.name} is running`;
    throw failure(site, { code: 'rejected', message, hint: 'stop it first' });
  }
  const left = await mustRun(node, site, removal(found), signal);
  if (left !== '') await reloads.reload(site, signal);
}

export const gone = (objectId: string, site: CallSite): EngineError =>
  failure(site, { code: 'notFound', message: `object ${objectId}: there is none of this cluster` });

/** Exit code by which a script says that the name is taken, or that the object is gone. */
const nameTaken = 44;

/** Whoever changes files of Muster's holds this lock; it goes with the shell. */
const locked = sh`umask 077; set -e
mkdir -p ${recordFolder}
exec 9>${recordFolder}/.lock
flock -w 20 9`;

/** Refuses to go on unless this very object is still there. */
export const guarded = ({ name, record }: OwnUnit): ShellScript =>
  sh`grep -qsF -e ${recordStart(record)} ${`${recordFolder}/${name}/object.json`} || { echo 'the object is gone' >&2; exit ${nameTaken}; }`;

/**
 * Record first, unit last, and that by a link: it never replaces what is there. Says something where systemd has to be told;
 * mostly it finds new units by itself, and reading all units of a busy machine again costs more than all the rest.
 */
function creation(unit: string, record: UnitRecord): ShellScript {
  const folder = `${recordFolder}/${unit}`;
  const unfinished = `${recordFolder}/.creating-${record.serial}`;
  const file = `${unitFolder}/${unit}`;
  const draft = `${unitFolder}/.${unit}.${record.serial}.new`;
  return sh`${locked}
if [ -e ${file} ] || [ -L ${file} ]; then exit ${nameTaken}; fi
find ${recordFolder} ${unitFolder} -maxdepth 1 '(' -name '.creating-*' -o -name '.muster-*.new' ')' -mmin +60 -exec rm -rf '{}' + || true
trap ${sh`rm -rf ${unfinished} ${draft}`.text} EXIT
mkdir ${unfinished}
printf %s ${recordText(record)} | cat >${unfinished}/object.json
printf %s ${environmentText(record)} | cat >${unfinished}/environment
printf %s ${unitText(record)} | cat >${draft}
chmod 644 ${draft}
sync ${unfinished}/object.json ${unfinished}/environment ${draft}
rm -rf ${folder}
mv -T ${unfinished} ${folder}
ln ${draft} ${file} || { [ -e ${file} ] || exit 1; exit ${nameTaken}; }
rm ${draft}
sync ${unitFolder} ${recordFolder}
[ "$(systemctl show -P LoadState -- ${unit})" = loaded ] || echo 'not loaded'`;
}

/** The running limits first, then what they are read from at the next start; systemd's own note of them is then not needed. */
function rewriting(unit: OwnUnit, record: UnitRecord): ShellScript {
  const folder = `${recordFolder}/${unit.name}`;
  const file = `${unitFolder}/${unit.name}`;
  const draft = `${unitFolder}/.${unit.name}.${randomBytes(8).toString('hex')}.new`;
  const settings = Object.entries(liveProperties(record.revision));
  const assignments = settings.map(([key, value]) => `${key}=${value}`);
  const notes = settings.flatMap(([key]) =>
    ['/run', '/etc'].map((root) => `${root}/systemd/system.control/${unit.name}.d/50-${key}.conf`),
  );
  return sh`${locked}
${guarded(unit)}
trap ${sh`rm -f ${draft} ${folder}/object.json.new`.text} EXIT
printf %s ${unitText(record)} | cat >${draft}
printf %s ${recordText(record)} | cat >${folder}/object.json.new
chmod 644 ${draft}
sync ${draft} ${folder}/object.json.new
if systemctl is-active -q -- ${unit.name}; then systemctl set-property --runtime -- ${unit.name} ${assignments}; fi
mv -T ${draft} ${file}
mv -T ${folder}/object.json.new ${folder}/object.json
rm -f ${notes}
sync ${unitFolder} ${folder}`;
}

function removal(unit: OwnUnit): ShellScript {
  return sh`${locked}
grep -qsF -e ${recordStart(unit.record)} ${`${recordFolder}/${unit.name}/object.json`} || exit 0
systemctl disable --no-reload -q -- ${unit.name} 2>/dev/null || true
rm -f ${`${unitFolder}/${unit.name}`} ${`${unitFolder}/multi-user.target.wants/${unit.name}`}
rm -rf ${`${recordFolder}/${unit.name}`} ${`/run/systemd/system.control/${unit.name}.d`}
systemctl reset-failed -- ${unit.name} 2>/dev/null || true
sync ${unitFolder}
[ "$(systemctl show -P LoadState -- ${unit.name})" = not-found ] || echo 'still loaded'`;
}

function newRecord(node: SystemdNode, request: CreateRequest, site: CallSite): UnitRecord {
  if (node.cluster.uid === undefined)
    throw failure(site, { code: 'rejected', message: `${request.allocation}: the cluster has no uid yet` });
  const record: UnitRecord = {
    formatVersion: 1,
    serial: randomBytes(16).toString('hex'),
    cluster: node.cluster.uid,
    node: node.node,
    allocation: request.allocation,
    revisionHash: request.revisionHash,
    effect: request.effect,
    token: request.token,
    revision: request.revision,
    holds: request.holds,
  };
  refuseUnsupported(record, site);
  return record;
}

function foreignName(request: CreateRequest, unit: string, file: string | undefined, site: CallSite): EngineError {
  const half = file?.includes('\n[X-Muster]\n') === true;
  const what = half
    ? 'says that it is Muster’s, but its record is missing or not whole'
    : 'exists and is not a unit of this cluster';
  return failure(site, {
    code: 'foreignName',
    message: `${request.allocation}: ${unit} ${what}; it was left as it is`,
    hint: `look at it (systemctl cat ${unit}), then stop and remove it, and run it again`,
  });
}

/** A drop-in that somebody put there has the last word: Muster does not touch it, and says so instead of trying for ever. */
async function refuseOverridden(
  node: SystemdNode,
  objectId: string,
  record: UnitRecord,
  site: CallSite,
  signal: AbortSignal,
): Promise<void> {
  const now = await findObject(node, site, objectId, signal);
  const dropIns = now?.shown.get('DropInPaths') ?? '';
  if (now === undefined || dropIns === '') return;
  const wanted: Readonly<Record<string, unknown>> = {
    MemoryMax: liveProperties(record.revision)['MemoryMax'],
    Restart: record.revision.restart === 'never' ? 'no' : record.revision.restart,
  };
  const [overridden] = Object.entries(wanted).filter(([key, value]) => now.shown.get(key) !== value);
  if (overridden === undefined) return;
  throw failure(site, {
    code: 'rejected',
    message: `${record.allocation}: ${overridden[0]} is ${now.shown.get(overridden[0])} in spite of the unit file: a drop-in made by hand says so (${dropIns})`,
    hint: 'remove the drop-in, or declare what it says in git',
  });
}
