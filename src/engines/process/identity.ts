import { readdirSync, readFileSync } from 'node:fs';

/**
 * One process for as long as the machine is up, and never another: pids are reused, a pid with its start time and the
 * kernel's boot id is not.
 */
export interface Identity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTicks: number;
  readonly bootId: string;
}

/** The process of this pid as it is now; undefined when there is none. A zombie counts: its pid is not free yet. */
export function identityOf(pid: number): Identity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks, bootId: bootId() };
}

/** True while exactly this process runs. A zombie does not run any more. */
export function isRunning(identity: Identity | undefined): boolean {
  if (identity === undefined || identity.bootId !== bootId()) return false;
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTicks === identity.startTicks && !stat.dead;
}

/**
 * What still runs of the process group that this process leads. Once the leader is gone its number may belong to somebody
 * else: then only processes that carry `evidence` (lines of their environment) count, so that nothing foreign is signalled.
 */
export function groupMembers(leader: Identity | undefined, evidence: readonly string[]): readonly number[] {
  if (leader === undefined || leader.bootId !== bootId() || !groupExists(leader.pid)) return [];
  const leaderNow = readStat(leader.pid);
  if (leaderNow !== undefined && leaderNow.startTicks !== leader.startTicks) return [];
  const members = processIds().filter((pid) => {
    const stat = readStat(pid);
    return stat !== undefined && stat.group === leader.pid && !stat.dead;
  });
  return leaderNow === undefined ? members.filter((pid) => carries(pid, evidence)) : members;
}

/** Sends a signal to a group that `groupMembers` has just found; success when it is gone already. */
export function signalGroup(options: { readonly group: number; readonly signal: NodeJS.Signals }): void {
  signalProcess({ pid: -options.group, signal: options.signal });
}

/** Success when the process is gone already. */
export function signalProcess(options: { readonly pid: number; readonly signal: NodeJS.Signals }): void {
  try {
    process.kill(options.pid, options.signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface ProcessStat {
  readonly dead: boolean;
  readonly group: number;
  readonly startTicks: number;
}

function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything, spaces and parentheses too: fields count from behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? 'X';
  return { dead: state === 'Z' || state === 'X', group: Number(fields[2]), startTicks: Number(fields[19]) };
}

function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const processIds = (): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));

function carries(pid: number, evidence: readonly string[]): boolean {
  try {
    const environment = new Set(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'));
    return evidence.length > 0 && evidence.every((line) => environment.has(line));
  } catch {
    return false;
  }
}

let knownBootId: string | undefined;

function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return knownBootId;
}
