import type { EngineEndpoint } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { CallSite } from '../deadline.ts';
import { type ClusterScope, EngineError, type EngineErrorCode } from '../engine.ts';
import type { CommandResult, RunOptions } from '../ssh/channel.ts';
import { engineErrorOf, SshFailure } from '../ssh/failure.ts';
import type { SshHost } from '../ssh/host.ts';
import type { ShellScript } from '../ssh/script.ts';

/** One machine, and who asks it: what every call of this folder works on. */
export interface SystemdNode {
  readonly node: NodeName;
  readonly cluster: ClusterScope;
  readonly host: SshHost;
  readonly as: 'login' | 'sudo';
  /** Where a client reaches a port of the machine. */
  readonly reachableHost: string;
  readonly endpoint: EngineEndpoint;
}

/** Runs a script as root on the node. Throws `EngineError` where the host cannot be reached, or root cannot be had. */
export async function runScript(
  node: SystemdNode,
  site: CallSite,
  script: ShellScript,
  options: Omit<RunOptions, 'as'>,
): Promise<CommandResult> {
  try {
    const result = await node.host.run(script, { as: node.as, ...options });
    if (node.as === 'sudo' && /^sudo: /m.test(result.stderr)) throw noSudo(node, site, result);
    return result;
  } catch (error) {
    throw error instanceof SshFailure ? engineErrorOf(error, site) : error;
  }
}

/** The same where anything but exit code 0 is a failure of the host. */
export async function mustRun(
  node: SystemdNode,
  site: CallSite,
  script: ShellScript,
  signal: AbortSignal,
): Promise<string> {
  const result = await runScript(node, site, script, { signal });
  if (result.exitCode !== 0) throw commandFailure(node, site, result);
  return result.stdout;
}

const longestWords = 500;

/** What the commands of a script said when it failed, as the error that it is. */
export function commandFailure(node: SystemdNode, site: CallSite, result: CommandResult): EngineError {
  const { stdout, stderr, exitCode } = result;
  // An account that may not log in says so on standard output.
  const words = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' | ').slice(-longestWords);
  const said = words || `a command ended with ${exitCode} and said nothing`;
  const message = `${site.call}: ${said}`;
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    const hint = `free space on ${node.node} below /etc and /var/lib (df -h, df -i), then run it again`;
    return failure(site, { code: 'noSpace', retryable: true, message, hint });
  }
  if (/Permission denied|Access denied|Interactive authentication required|Operation not permitted/.test(said)) {
    const hint = 'Muster has to be root there: log in as root, or set sudo: true';
    return failure(site, { code: 'rejected', message, hint });
  }
  if (/Read-only file system/.test(said)) {
    const hint = `/etc and /var/lib of ${node.node} have to be writable`;
    return failure(site, { code: 'rejected', message, hint });
  }
  return failure(site, { code: 'internal', retryable: true, message });
}

/** An `EngineError` of this engine; not to be tried again unless it says so. */
export function failure(
  site: CallSite,
  options: {
    readonly code: EngineErrorCode;
    readonly message: string;
    readonly retryable?: boolean;
    readonly hint?: string;
  },
): EngineError {
  const { retryable = false, message, ...rest } = options;
  return new EngineError({ ...site, ...rest, retryable, message: `systemd on ${site.node}: ${message}` });
}

const noSudo = (node: SystemdNode, site: CallSite, { stderr }: CommandResult): EngineError =>
  failure(site, {
    code: 'rejected',
    message: `sudo refuses to make ${node.host.address} root: ${stderr.trim().split('\n')[0]}`,
    hint: 'allow it without a password: "USER ALL=(root) NOPASSWD: ALL" in a file below /etc/sudoers.d',
  });
