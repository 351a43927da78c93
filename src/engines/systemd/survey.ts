import { randomBytes } from 'node:crypto';
import type { CallSite } from '../deadline.ts';
import { listeningPortsIn } from '../listening.ts';
import { type ShellScript, sh } from '../ssh/script.ts';
import { recordFolder, unitFolder, unitPattern } from './names.ts';
import { mustRun, type SystemdNode } from './node.ts';
import { parseRecord, type UnitRecord } from './record.ts';

/** Everything that a host says of one unit. */
export interface SurveyedUnit {
  readonly name: string;
  /** The unit file of that name where Muster puts its own; absent: there is none. */
  readonly file?: string;
  /** Absent: there is none, or none that is whole. */
  readonly record?: UnitRecord;
  /** It was started once. */
  readonly started: boolean;
  /** What `ExecStopPost` noted when it ended last. */
  readonly exit?: string;
  /** `systemctl show`, by property. */
  readonly shown: ReadonlyMap<string, string>;
}

/** A unit with a whole record. */
export type OwnUnit = SurveyedUnit & { readonly record: UnitRecord };

export interface Survey {
  readonly units: readonly SurveyedUnit[];
  readonly listening: Readonly<Record<'tcp' | 'udp', readonly number[]>>;
}

const properties = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'FragmentPath',
  'DropInPaths',
  'NeedDaemonReload',
  'Restart',
  'NRestarts',
  'ExecMainStartTimestamp',
  'ControlGroup',
  'MemoryMax',
  'CPUQuotaPerSecUSec',
  'CPUWeight',
];

/** All units that may be Muster's, or one: what is on disk, what systemd knows, and who listens. One command. */
export async function survey(
  node: SystemdNode,
  site: CallSite,
  which: { readonly unit?: string },
  signal: AbortSignal,
): Promise<Survey> {
  const mark = `--${randomBytes(8).toString('hex')}--`;
  const output = await mustRun(node, site, surveyScript(which.unit, mark), signal);
  const [names = '', files = '', shown = '', tcp = '', udp = ''] = output.split(`${mark}\n`);
  const lines = linesByFile(files);
  const propertiesOf = new Map(
    shown.split('\n\n').map((block) => {
      const found = propertiesIn(block);
      return [found.get('Id') ?? '', found] as const;
    }),
  );
  return {
    units: names
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => surveyed(name, lines, propertiesOf.get(name) ?? new Map())),
    listening: { tcp: listeningPortsIn(tcp, 'tcp'), udp: listeningPortsIn(udp, 'udp') },
  };
}

/** One unit; what there is of it. */
export async function surveyOne(
  node: SystemdNode,
  site: CallSite,
  unit: string,
  signal: AbortSignal,
): Promise<{ readonly unit: SurveyedUnit; readonly listening: Survey['listening'] }> {
  const { units, listening } = await survey(node, site, { unit }, signal);
  return { unit: units[0] ?? { name: unit, started: false, shown: new Map() }, listening };
}

/** Names have no characters that a shell would split or expand: `unitPattern` sees to that. */
function surveyScript(unit: string | undefined, mark: string): ShellScript {
  const names =
    unit === undefined
      ? sh`names=$( { ls ${unitFolder} ${recordFolder} 2>/dev/null; systemctl list-units --all --plain --no-legend --full 'muster-*.service' | cut -d' ' -f1; } | grep -xE ${unitPattern} | sort -u)`
      : sh`names=${unit}`;
  return sh`[ -w ${unitFolder} ] || { echo "${unitFolder}: Permission denied for $(id -un)" >&2; exit 1; }
${names}
printf '%s\n' $names ${mark}
set --
for name in $names; do set -- "$@" ${unitFolder}/$name ${recordFolder}/$name/object.json ${recordFolder}/$name/started ${recordFolder}/$name/exit; done
[ $# = 0 ] || grep -aHZs '' "$@"
printf '%s\n' ${mark}
[ -z "$names" ] || systemctl show --timestamp=us+utc -p ${properties.join(',')} -- $names || exit 1
printf '\n%s\n' ${mark}
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
printf '%s\n' ${mark}
cat /proc/net/udp /proc/net/udp6 2>/dev/null
exit 0`;
}

function surveyed(name: string, lines: ReadonlyMap<string, string>, shown: ReadonlyMap<string, string>): SurveyedUnit {
  const file = lines.get(`${unitFolder}/${name}`);
  const record = parseRecord(lines.get(`${recordFolder}/${name}/object.json`));
  const exit = lines.get(`${recordFolder}/${name}/exit`)?.trim();
  return {
    name,
    ...(file !== undefined && { file }),
    ...(record !== undefined && { record }),
    ...(exit !== undefined && { exit }),
    started: lines.has(`${recordFolder}/${name}/started`),
    shown,
  };
}

/** What `grep -HZ` prints: the path, a NUL, a line of that file. */
function linesByFile(output: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const row of output.split('\n')) {
    const end = row.indexOf('\0');
    if (end < 0) continue;
    const path = row.slice(0, end);
    files.set(path, `${files.get(path) ?? ''}${row.slice(end + 1)}\n`);
  }
  return files;
}

const propertiesIn = (block: string): ReadonlyMap<string, string> =>
  new Map(
    block.split('\n').flatMap((line) => {
      const end = line.indexOf('=');
      return end < 0 ? [] : [[line.slice(0, end), line.slice(end + 1)] as const];
    }),
  );
