import { constants } from 'node:os';
import type { CallSite } from '../deadline.ts';
import { type ShellScript, sh } from '../ssh/script.ts';
import { gone, guarded } from './apply.ts';
import { recordFolder, unitFolder } from './names.ts';
import { commandFailure, failure, mustRun, runScript, type SystemdNode } from './node.ts';
import { findObject, isActive } from './observe.ts';
import { refuseTakenPorts } from './ports.ts';
import type { Reloads } from './reload.ts';
import type { OwnUnit } from './survey.ts';
import { commandOf, optionsOf } from './unit-file.ts';

/** Resolves when its program was executed; at the next boot it starts again. Starting what runs is success. */
export async function startUnit(
  node: SystemdNode,
  objectId: string,
  tools: { readonly site: CallSite; readonly reloads: Reloads },
  signal: AbortSignal,
): Promise<void> {
  const { site, reloads } = tools;
  const found = await findObject(node, site, objectId, signal);
  if (found === undefined) throw gone(objectId, site);
  const { record, name } = found;
  if (found.file === undefined) {
    const message = `${record.allocation}: somebody removed the unit file ${unitFolder}/${name}`;
    throw failure(site, { code: 'broken', message, hint: 'it is made anew' });
  }
  if (!isActive(found.shown)) refuseTakenPorts(record, found.listening, site);
  if (found.shown.get('NeedDaemonReload') === 'yes') await reloads.reload(site, signal);
  const started = await runScript(node, site, starting(found), { signal });
  if (started.exitCode === 0) return;
  if (started.exitCode === notExecutable) {
    const message = `${record.allocation}: command ${JSON.stringify(commandOf(record)[0])} cannot be executed on ${node.node}`;
    throw failure(site, { code: 'rejected', message, hint: `install it on ${node.node}, or correct spec.command` });
  }
  if (started.exitCode === noFolder) {
    const message = `${record.allocation}: its working directory ${optionsOf(record.revision).workingDir} does not exist on ${node.node}`;
    throw failure(site, { code: 'rejected', message, hint: 'make it there, or correct spec.systemd.workingDir' });
  }
  if (started.exitCode === notStarted) {
    const hint = `systemctl status ${name}; journalctl -u ${name} on ${node.node} say more`;
    const message = `${record.allocation}: systemd did not start it: ${started.stderr.trim().split('\n')[0]}`;
    throw failure(site, { code: 'rejected', message, hint });
  }
  throw commandFailure(node, site, started);
}

/** Exit codes of the script. */
const notExecutable = 45;
const noFolder = 46;
const notStarted = 47;

/**
 * The shell would be executed in any case: what it becomes is looked at before. A program that ends at once was started,
 * whatever systemd calls that; from 200 on exit codes are its own (217: there is no such user).
 */
function starting(unit: OwnUnit): ShellScript {
  const { name, record } = unit;
  const own = `${recordFolder}/${name}`;
  const [program = ''] = commandOf(record);
  const { workingDir } = optionsOf(record.revision);
  const folder = workingDir === undefined ? sh`:` : sh`[ -d ${workingDir} ] || exit ${noFolder}`;
  return sh`${guarded(unit)}
${folder}
command -v -- ${program} >/dev/null || exit ${notExecutable}
echo yes >${own}/started
systemctl is-active -q -- ${name} || rm -f ${own}/exit
systemctl enable --no-reload -q -- ${name} || exit 1
systemctl start -- ${name} && exit 0
if [ -f ${own}/exit ] && read -r how status rest <${own}/exit && ! { [ "$how" = exited ] && [ "$status" -ge 200 ]; }; then exit 0; fi
systemctl disable --no-reload -q -- ${name}; systemctl stop --no-block -- ${name}
exit ${notStarted}`;
}

/**
 * Its signal to the whole group, SIGKILL after the grace period, and resolves when nothing of it runs. From the first moment
 * on it is not started again, neither by its restart policy nor at the next boot.
 */
export async function stopUnit(
  node: SystemdNode,
  objectId: string,
  options: { readonly signal: string; readonly graceMs: number },
  site: CallSite,
  abort: AbortSignal,
): Promise<void> {
  const found = await findObject(node, site, objectId, abort);
  if (found === undefined) return;
  if (!(options.signal in constants.signals)) {
    throw failure(site, { code: 'rejected', message: `${found.record.allocation}: no signal ${options.signal}` });
  }
  await mustRun(node, site, stopping(found, options), abort);
}

/** Between two looks at whether it has ended. */
const lookEverySeconds = 0.05;

/**
 * The unit file has a signal and a grace period of its own, which serve when the machine goes down. Another signal is laid
 * over it for this once; the shorter of both grace periods counts.
 */
function stopping(
  unit: OwnUnit,
  { signal, graceMs }: { readonly signal: string; readonly graceMs: number },
): ShellScript {
  const { name, record } = unit;
  const overlay = `/run/systemd/system/${name}.d`;
  const asDeclared = signal === record.revision.stop.signal || signal === 'SIGKILL';
  const lay = sh`mkdir -p ${overlay} && printf '[Service]\nKillSignal=%s\n' ${signal} >${overlay}/zz-muster-stop.conf && systemctl daemon-reload`;
  const lift = sh`rm -f ${overlay}/zz-muster-stop.conf; rmdir ${overlay} 2>/dev/null; systemctl daemon-reload`;
  const seconds = signal === 'SIGKILL' ? 0 : graceMs / 1000;
  return sh`${guarded(unit)}
systemctl disable --no-reload -q -- ${name} 2>/dev/null
systemctl is-active -q -- ${name} || systemctl show -P ActiveState -- ${name} | grep -qE '^(activating|deactivating|reloading)' || exit 0
${asDeclared ? sh`:` : lay}
systemctl stop --no-block -- ${name} || exit 1
now() { cut -d' ' -f1 /proc/uptime; }
runs() { systemctl show -P ActiveState -- ${name} | grep -qvE '^(inactive|failed)'; }
end=$(now | awk -v grace=${seconds} '{printf "%d", ($1 + grace) * 1000}')
while runs; do
  if [ "$(now | awk '{printf "%d", $1 * 1000}')" -ge "$end" ]; then systemctl kill -s KILL -- ${name} 2>/dev/null; fi
  sleep ${lookEverySeconds}
done
${asDeclared ? sh`:` : lift}
exit 0`;
}
