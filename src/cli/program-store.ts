import { Command } from 'commander';
import { output, storeFlag, viewFormats, withSource } from './program-flags.ts';
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
}

/** The config repo says which cluster, where its store is, and what its nodes have. */
const ofStore = (name: string, description: string): Command =>
  withSource(new Command(name).description(description)).addOption(storeFlag());
