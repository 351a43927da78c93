import { Command } from 'commander';
import { flag, limitFlag, output, storeFlag, viewFormats, withRepo, withSource, withTelling } from './program-flags.ts';
import { parseCount, parseWait } from './suggest.ts';

/** Makes the action of a command from what loads it. */
export type Run = <Arguments extends readonly unknown[]>(
  load: () => Promise<(...given: Arguments) => Promise<number>>,
) => (...given: readonly unknown[]) => Promise<void>;

/** A command that only groups others. */
export function groupCommand(name: string, description: string): Command {
  return new Command(name).description(description);
}

export function addRuns(group: Command, run: Run): void {
  const load = () => import('./commands/runs.ts');
  const sub = subcommandsOf(group);
  sub(withView('list', 'runs in flight and finished ones, newest first').addOption(limitFlag())).action(
    run(async () => (await load()).list),
  );
  sub(withView('show', 'one run, unit by unit', ['<run>', 'as `muster runs list` shows it'])).action(
    run(async () => (await load()).show),
  );
  const ofRun = ['<run>', 'as `muster runs list` shows it'] as const;
  sub(
    withTell('pause', 'finish the steps that were begun and begin no new one; what is in flight stays so', ofRun),
  ).action(run(async () => (await load()).pause));
  sub(withTell('resume', 'go on with a paused run; what it had not begun is planned anew', ofRun)).action(
    run(async () => (await load()).resume),
  );
  sub(withTell('cancel', 'undo what has not committed; its revisions are not tried again by themselves', ofRun)).action(
    run(async () => (await load()).cancel),
  );
}

export function addUnit(group: Command, run: Run): void {
  const load = () => import('./commands/unit.ts');
  const sub = subcommandsOf(group);
  const ofUnit = ['<workload>', 'namespace/workload'] as const;
  sub(withView('list', 'units in flight, and why those that wait do')).action(run(async () => (await load()).list));
  sub(withView('show', 'why it is stuck, what is where, what was tried, what each command would do', ofUnit)).action(
    run(async () => (await load()).show),
  );
  sub(withTell('retry', 'a stuck unit goes on where it was', ofUnit)).action(run(async () => (await load()).retry));
  sub(
    withTell('skip', 'leave the steps that fail as they are, recorded and charged, and go on with the rest', ofUnit),
  ).action(run(async () => (await load()).skip));
  sub(
    withTell(
      'abandon',
      'close it as it is: nothing running is touched, and the next plan deals with what it holds',
      ofUnit,
    ),
  ).action(run(async () => (await load()).abandon));
}

const subcommandsOf =
  (group: Command) =>
  (command: Command): Command => {
    group.addCommand(command.copyInheritedSettings(group));
    return command;
  };

type Argument = readonly [name: string, description: string];

/** A command that shows what the store says. */
function withView(name: string, description: string, argument?: Argument): Command {
  const command = new Command(name).description(description);
  if (argument !== undefined) command.argument(...argument);
  return withSource(command)
    .addOption(storeFlag())
    .addOption(output(viewFormats, { hasOut: false }));
}

/** A command that tells the leader something, or does it where there is none. */
function withTell(name: string, description: string, argument: Argument): Command {
  return withTelling(withSource(new Command(name).description(description).argument(...argument)));
}

/** Deviations from git that are stored, shown and expire. */
export function addNode(group: Command, run: Run): void {
  const load = () => import('./commands/node.ts');
  const sub = subcommandsOf(group);
  const ofNode = ['<node>', 'name of the node'] as const;
  sub(withOverride('cordon', 'keep what is on it and accept nothing new, for a while', ofNode)).action(
    run(async () => (await load()).cordon),
  );
  sub(withLift('uncordon', 'end a cordon before its time', ofNode)).action(run(async () => (await load()).uncordon));
}

export function rollbackCommand(): Command {
  const subject = ['<subject>', 'namespace/workload, or a run: everything that it changed'] as const;
  return withOverride(
    'rollback',
    'go back to the good revision of before, and stay there for a while',
    subject,
  ).addOption(flag('--to <revision>', 'of a workload: another recorded revision, or the beginning of its hash'));
}

export const freezeCommand = (): Command =>
  withOverride('freeze', 'leave workloads alone for a while: no plan touches them, not even to heal', frozen);

export const thawCommand = (): Command => withLift('thaw', 'end a freeze before its time', frozen);

export function approveCommand(): Command {
  const plan = ['<plan>', 'file written by `muster plan --out`, or the id that `muster plan` shows'] as const;
  return withLift('approve', 'agree to a plan that a policy asks people about', plan).addOption(
    flag('--reason <text>', 'why, for whoever reads it later'),
  );
}

const frozen = ['<target>', "namespace/workload, a namespace, or '*'"] as const;

/** A command that writes an override. */
const withOverride = (name: string, description: string, argument: Argument): Command =>
  withLift(name, description, argument)
    .addOption(flag('--reason <text>', 'why, for whoever reads it later').makeOptionMandatory())
    .addOption(flag('--for <duration>', 'how long').argParser(parseWait).default(86_400_000, '24h'));

const withLift = (name: string, description: string, argument: Argument): Command =>
  withSource(new Command(name).description(description).argument(...argument)).addOption(storeFlag());

/** Whose objects are looked into: what the store says, or what the engines say while it is dead. */
const withObjects = (command: Command): Command =>
  command
    .addOption(storeFlag())
    .addOption(
      flag(
        '--from <source>',
        'ask the engines alone where it runs, and do not open the store, which may be dead',
      ).choices(['engines']),
    );

export function logsCommand(): Command {
  const command = new Command('logs')
    .description('what instances have written: their stdout on stdout, their stderr on stderr')
    .argument('<subject>', 'namespace/workload/ordinal, or namespace/workload: all of its instances');
  return withObjects(withSource(command))
    .addOption(flag('--tail <count>', 'most lines of each instance').argParser(parseCount).default(100))
    .addOption(flag('-f, --follow', 'go on with what comes, until Ctrl-C or the instance ends'));
}

export function execCommand(): Command {
  const command = new Command('exec')
    .description('run a command in an instance; the exit code is its own')
    .usage('[options] <instance> -- <command...>')
    .argument('<instance>', 'namespace/workload/ordinal; namespace/workload where it has one instance')
    .argument('<command...>', 'command and arguments, after --: no shell looks at them')
    .addOption(flag('-C, --dir <dir>', 'directory of the config repo').default('.'));
  return withObjects(withRepo(command)).addOption(
    flag('--timeout <duration>', 'how long it may take').argParser(parseWait).default(60_000, '60s'),
  );
}
