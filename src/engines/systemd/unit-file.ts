import { parseAllocationId, parseWorkloadId } from '../../model/ids.ts';
import type { Revision } from '../../model/revision.ts';
import { expandVariables, instanceEnvironment } from '../engine.ts';
import { liveProperties } from './limits.ts';
import { recordFolder } from './names.ts';
import type { UnitRecord } from './record.ts';

/** What only systemd units have, as the schema allows it. */
interface SystemdOptions {
  readonly user?: string;
  readonly workingDir?: string;
  readonly tasks?: number;
}

export const optionsOf = (revision: Revision): SystemdOptions => (revision.options ?? {}) as SystemdOptions;

/** Pause before a program that ended is started again. */
const restartPauseSeconds = 1;

/**
 * The unit of an object. Its environment is in a file beside the record: what a unit file says everybody may read.
 * `X-Muster` tells people whose it is; systemd does not read sections of that kind.
 */
export function unitText(record: UnitRecord): string {
  const { revision, allocation } = record;
  return sections({
    Unit: [
      ['Description', escapeSpecifiers(`Muster ${allocation}`)],
      ['After', 'network-online.target'],
      ['Wants', 'network-online.target'],
      // How often it may be started again is for `restart` alone to say.
      ['StartLimitIntervalSec', '0'],
    ],
    Service: [
      ['Type', 'exec'],
      ['Slice', 'muster.slice'],
      ['EnvironmentFile', `${recordFolder}/%n/environment`],
      ['ExecStart', execStart(record)],
      ['ExecStopPost', `-:+/bin/sh -c ${quoteWord(noteExit)} %n`],
      ['SyslogIdentifier', identifierOf(record)],
      ['SyslogLevelPrefix', 'no'],
      ...userOf(revision),
      ...restartOf(revision.restart),
      ['KillSignal', revision.stop.signal],
      ['TimeoutStopSec', `${Math.max(1, revision.stop.graceMs)}ms`],
      ['TasksMax', String(optionsOf(revision).tasks ?? 'infinity')],
      ...Object.entries(liveProperties(revision)),
      ['LogExtraFields', `MUSTER_OBJECT=${record.serial}`],
      ['LogExtraFields', `MUSTER_ALLOCATION=${allocation}`],
    ],
    'X-Muster': [
      ['Object', record.serial],
      ['Cluster', record.cluster],
      ['Allocation', allocation],
      ['Revision', record.revisionHash],
      ['Effect', record.effect],
      ['Token', record.token],
    ],
    Install: [['WantedBy', 'multi-user.target']],
  });
}

/** The environment file of an object; every value in double quotes, as systemd.exec(5) reads them. */
export function environmentText(record: UnitRecord): string {
  const rows = Object.entries(environmentOf(record)).map(
    ([name, value]) => `${name}="${value.replaceAll(/[\\"`$]/g, '\\$&')}"\n`,
  );
  return rows.join('');
}

/** As in Kubernetes, a value may use what stands before it. Who and where an instance is cannot be overridden. */
export function environmentOf(record: UnitRecord): Readonly<Record<string, string>> {
  const identity = instanceEnvironment(record, record.node);
  const env: Record<string, string> = { ...identity };
  for (const [name, value] of Object.entries(record.revision.env)) env[name] = expandVariables(value, env);
  return { ...env, ...identity };
}

/** Its program and arguments, with `$(NAME)` replaced. */
export function commandOf(record: UnitRecord): readonly string[] {
  const env = environmentOf(record);
  return [...record.revision.command, ...record.revision.args].map((text) => expandVariables(text, env));
}

/** Every port that the program listens on, by name: the published one, or its own where none is published. */
export const portsOf = ({ revision, holds }: UnitRecord): Readonly<Record<string, number>> =>
  Object.fromEntries(revision.ports.map((port) => [port.name, holds.ports?.[port.name] ?? port.port]));

/**
 * `:` keeps systemd from replacing variables. Both streams of output of a unit are one to the journal: systemd-cat opens
 * another for standard error, with a priority of its own, and everything becomes the program in the end.
 */
const execStart = (record: UnitRecord): string =>
  [':/bin/sh', '-c', quoteWord(splitStreams), identifierOf(record)].concat(commandOf(record).map(quoteWord)).join(' ');

const splitStreams =
  'exec 3>&1; exec systemd-cat -t "$0" -p err --level-prefix=no /bin/sh -c \'exec "$@" >&3 3>&-\' sh "$@"';

/** systemd forgets a unit that has ended, its exit code included. */
const noteExit = [
  'PATH=/usr/bin:/bin',
  `cd ${recordFolder}/"$0"`,
  'echo "$EXIT_CODE $EXIT_STATUS $(systemctl show -P NRestarts "$0")" >exit.new && mv exit.new exit',
].join('; ');

/** `web-3:0880710a`: what an operator reads in the journal, and nobody else's lines have. */
export function identifierOf({ allocation, serial }: Pick<UnitRecord, 'allocation' | 'serial'>): string {
  const { workload, ordinal } = parseAllocationId(allocation);
  return `${parseWorkloadId(workload).name}-${ordinal}:${serial.slice(0, 8)}`;
}

const userOf = (revision: Revision): readonly Directive[] => {
  const { user, workingDir } = optionsOf(revision);
  return [
    ...(user === undefined ? [] : [['User', escapeSpecifiers(user)] as const]),
    ...(workingDir === undefined ? [] : [['WorkingDirectory', escapeSpecifiers(workingDir)] as const]),
  ];
};

function restartOf(restart: Revision['restart']): readonly Directive[] {
  const pause = ['RestartSec', `${restartPauseSeconds}s`] as const;
  switch (restart) {
    case 'always':
      return [['Restart', 'always'], pause];
    case 'on-failure':
      // For systemd these signals are no failure; for every other engine they are.
      return [['Restart', 'on-failure'], ['RestartForceExitStatus', 'SIGHUP SIGINT SIGTERM SIGPIPE'], pause];
    case 'never':
      return [['Restart', 'no']];
  }
}

type Directive = readonly [string, string];

const sections = (all: Readonly<Record<string, readonly Directive[]>>): string =>
  Object.entries(all)
    .map(([name, rows]) => `[${name}]\n${rows.map(([key, value]) => `${key}=${value}\n`).join('')}`)
    .join('\n');

/** One word of a command line, whatever is in it: systemd reads C escapes inside double quotes, and `%` as a specifier. */
export function quoteWord(word: string): string {
  const escaped = word.replaceAll(/[\\"]/g, '\\$&').replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped.
    /[\u0001-\u001f\u007f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escapeSpecifiers(escaped)}"`;
}

const escapeSpecifiers = (text: string): string => text.replaceAll('%', '%%');
