import { Command } from 'commander';
import type { ExitCode } from './exit.ts';
import { limitFlag, output, storeFlag, viewFormats, withSource, withTelling } from './program-flags.ts';

/** Makes the action of a command from what loads it. */
export type Run = <Arguments extends readonly unknown[]>(
  load: () => Promise<(...given: Arguments) => Promise<ExitCode>>,
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
