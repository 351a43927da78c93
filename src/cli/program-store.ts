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
  sub(
    ofStore('rebuild', 'bring records back from what runs, for a store that was lost or went back in time')
      .addOption(flag('--from-engines', 'read every node and its objects').makeOptionMandatory())
      .addOption(flag('--dry-run', 'only show what would be written; so it is where nobody can be asked'))
      .addOption(flag('--auto-approve', 'do not ask'))
      .addOption(flag('--partial', 'also where nodes do not answer, or objects do not say enough'))
      .addOption(output(viewFormats, { hasOut: false }))
      .addOption(lockTimeoutFlag()),
  ).action(run(async () => (await import('./commands/store-rebuild.ts')).rebuild));
}

/** The config repo says which cluster, where its store is, and what its nodes have. */
function ofStore(name: string, description: string, file?: string): Command {
  const command = new Command(name).description(description);
  if (file !== undefined) command.argument('<file>', file);
  return withSource(command).addOption(storeFlag());
}
