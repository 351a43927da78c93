import { Command } from 'commander';
import { flag, lockTimeoutFlag, output, storeFlag, viewFormats, withSource } from './program-flags.ts';
import type { Run } from './program-operator.ts';

/** The recorded state as a whole. */
export function addStore(group: Command, run: Run): void {
  const load = () => import('./commands/store.ts');
  const sub = (command: Command): Command => {
    group.addCommand(command.copyInheritedSettings(group));
    return command;
  };
  sub(
    ofStore('check', 'prove what is recorded: readable, complete, nothing given out twice, within capacity').addOption(
      output(viewFormats, { hasOut: false }),
    ),
  ).action(run(async () => (await load()).check));
  sub(
    ofStore('backup', 'everything that is recorded, at one revision, as one file', 'file to write').addOption(
      flag('--force', 'overwrite the file'),
    ),
  ).action(run(async () => (await load()).backup));
  sub(
    ofStore('restore', 'make the store what a backup says, and keep leaders of before from writing', 'a backup')
      .addOption(flag('--replace', 'what is recorded now is lost'))
      .addOption(flag('--auto-approve', 'with --replace: do not ask'))
      .addOption(lockTimeoutFlag()),
  ).action(run(async () => (await import('./commands/store-restore.ts')).restore));
}

/** The config repo says which cluster, where its store is, and what its nodes have. */
function ofStore(name: string, description: string, file?: string): Command {
  const command = new Command(name).description(description);
  if (file !== undefined) command.argument('<file>', file);
  return withSource(command).addOption(storeFlag());
}
