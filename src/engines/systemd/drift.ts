import type { OwnUnit } from './survey.ts';
import { unitText } from './unit-file.ts';

/** Settings of a unit file by the pointer into the revision that they come from. */
const pointers: Readonly<Record<string, string>> = {
  ExecStart: '/command',
  User: '/options/user',
  WorkingDirectory: '/options/workingDir',
  TasksMax: '/options/tasks',
  Restart: '/restart',
  RestartForceExitStatus: '/restart',
  KillSignal: '/stop',
  TimeoutStopSec: '/stop',
  CPUQuota: '/limits/cpuMillis',
  CPUWeight: '/resources/cpuMillis',
  MemoryMax: '/limits/memoryBytes',
};
/** What no field of a revision decides. */
const elsewhere = '/options/unit';

/** Where the unit file says something else than what Muster wrote: the pointer, and what it says. */
export function changedByHand({ file, record }: OwnUnit): Readonly<Record<string, string>> {
  if (file === undefined) return { [elsewhere]: 'the unit file was removed' };
  const expected = unitText(record);
  if (file === expected) return {};
  const [found, wanted] = [settingsIn(file), settingsIn(expected)];
  const changed = [...new Set([...found.keys(), ...wanted.keys()])].filter((key) => found.get(key) !== wanted.get(key));
  const changes = changed.map((key) => [pointers[key] ?? elsewhere, `${key}=${found.get(key) ?? ''}`] as const);
  return Object.fromEntries(changes);
}

/** Every setting that systemd reads, with all its values: comments and Muster's own section are nothing to it. */
function settingsIn(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n')) {
    section = /^\[(.*)\]\s*$/.exec(line)?.[1] ?? section;
    const [, key, value = ''] = /^([^#;[=][^=]*)=(.*)$/.exec(line) ?? [];
    if (key === undefined || section.startsWith('X-')) continue;
    const before = settings.get(key);
    settings.set(key, before === undefined ? value : `${before}\n${value}`);
  }
  return settings;
}
