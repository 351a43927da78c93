import type { CallSite } from '../deadline.ts';
import { lines, sh } from '../ssh/script.ts';
import { gone, guarded } from './apply.ts';
import { failure, runScript, type SystemdNode } from './node.ts';
import { findObject, isActive } from './observe.ts';
import { environmentOf, optionsOf } from './unit-file.ts';

/** More output than this is dropped: a check needs its exit code, a person the first lines. */
const maxOutputBytes = 256 * 1024;

/** Runs a command beside the object: on its machine, as its user, with its environment. It ends with the deadline. */
export async function execBeside(
  node: SystemdNode,
  objectId: string,
  request: { readonly command: readonly string[]; readonly site: CallSite },
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const { command, site } = request;
  const found = await findObject(node, site, objectId, signal);
  if (found === undefined) throw gone(objectId, site);
  const { record } = found;
  if (!isActive(found.shown))
    throw failure(site, {
      code: 'rejected',
      message: `in ${record.allocation}: it does not run`,
      hint: 'start it first',
    });
  const { user, workingDir } = optionsOf(record.revision);
  const exports = Object.entries(environmentOf(record)).map(([name, value]) => sh`export ${name}=${value}`);
  const script = sh`${guarded(found)}
cd ${workingDir ?? '/'} || exit 1
${lines(exports)}
exec ${user === undefined ? sh`` : sh`runuser -u ${user} --`} ${command} 2>&1`;
  const options = { signal, lives: 'untilClosed', outputBytes: maxOutputBytes } as const;
  const { exitCode, stdout } = await runScript(node, site, script, options);
  return { exitCode, output: stdout };
}
