import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import {
  answerFormats,
  diagnosticFormats,
  flag,
  limitFlag,
  lockTimeoutFlag,
  output,
  planFormats,
  storeFlag,
  viewFormats,
  withRepo,
  withSource,
  withTelling,
} from './program-flags.ts';
import {
  addNode,
  addRuns,
  addUnit,
  approveCommand,
  execCommand,
  freezeCommand,
  groupCommand,
  logsCommand,
  type Run,
  rollbackCommand,
  thawCommand,
} from './program-operator.ts';
import { addStore } from './program-store.ts';
import { parseCount, parseNames, parseWait } from './suggest.ts';

const statusSources = ['engines'] as const;
const shells = ['bash', 'zsh', 'fish'] as const;

/**
 * The command tree: names, flags and help, and nothing that costs time to load. What a command does is imported when it
 * runs. `finish` gets the exit code: one of `exitCodes`, or of `exec` that of its command.
 */
export function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('muster')
    .description('Keeps private-cloud clusters in the state that a git repository declares.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .addOption(new Option('--no-color', 'no colours (also NO_COLOR)').env('MUSTER_NO_COLOR'))
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', exitCodeHelp);
  const add = (command: Command): Command => {
    program.addCommand(command.copyInheritedSettings(program));
    return command;
  };
  // commander hands over the arguments, the command's own flags and the command; global flags come with the latter.
  const run: Run =
    <Arguments extends readonly unknown[]>(load: () => Promise<(...given: Arguments) => Promise<number>>) =>
    async (...given: readonly unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const values = [...given.slice(0, -2), command.optsWithGlobals()] as unknown as Arguments;
      finish(await (await load())(...values));
    };

  add(initCommand()).action(run(async () => (await import('./commands/init.ts')).init));
  add(validateCommand()).action(run(async () => (await import('./commands/validate.ts')).validate));
  add(planCommand()).action(run(async () => (await import('./commands/plan.ts')).plan));
  add(showCommand()).action(run(async () => (await import('./commands/show.ts')).show));
  add(applyCommand()).action(run(async () => (await import('./commands/apply.ts')).apply));
  add(approveCommand()).action(run(async () => (await import('./commands/approve.ts')).approve));
  add(runCommand()).action(run(async () => (await import('./commands/run.ts')).run));
  add(statusCommand()).action(run(async () => (await import('./commands/status.ts')).status));
  add(driftCommand()).action(run(async () => (await import('./commands/drift.ts')).drift));
  add(logsCommand()).action(run(async () => (await import('./commands/logs.ts')).logs));
  add(execCommand()).action(run(async () => (await import('./commands/exec.ts')).exec));
  add(explainCommand()).action(run(async () => (await import('./commands/explain.ts')).explain));
  add(simulateCommand()).action(run(async () => (await import('./commands/simulate.ts')).simulate));
  add(rebalanceCommand()).action(run(async () => (await import('./commands/rebalance.ts')).rebalance));
  add(historyCommand()).action(run(async () => (await import('./commands/history.ts')).history));
  addRuns(add(groupCommand('runs', 'what is carried out, and how it goes: list, show, pause, resume, cancel')), run);
  addUnit(add(groupCommand('unit', 'units that are in flight or stuck: list, show, retry, skip, abandon')), run);
  add(rollbackCommand()).action(run(async () => (await import('./commands/rollback.ts')).rollback));
  add(freezeCommand()).action(run(async () => (await import('./commands/freeze.ts')).freeze));
  add(thawCommand()).action(run(async () => (await import('./commands/freeze.ts')).thaw));
  addNode(add(groupCommand('node', 'close and open nodes by hand: cordon, uncordon')), run);
  add(retryCommand()).action(run(async () => (await import('./commands/retry.ts')).retry));
  add(snapshotCommand()).action(run(async () => (await import('./commands/snapshot.ts')).snapshot));
  addStore(add(groupCommand('store', 'what is recorded, as a whole: check, backup, restore, rebuild')), run);
  add(doctorCommand()).action(run(async () => (await import('./commands/doctor.ts')).doctor));
  add(demoCommand()).action(run(async () => (await import('./commands/demo.ts')).demo));
  add(completionCommand()).action(
    run(async () => {
      const { completion } = await import('./commands/completion.ts');
      return (shell: 'bash' | 'zsh' | 'fish') => completion(shell, program);
    }),
  );
  return program;
}

const exitCodeHelp = `
Every flag is also an environment variable: --detailed-exitcode is MUSTER_DETAILED_EXITCODE.

Exit codes: 0 ok · 1 error · 2 changes (with --detailed-exitcode) · 3 refused · 4 lock held · 5 stale plan ·
6 failed and rolled back · 7 stuck · 130 interrupted`;

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { readonly version?: unknown }).version ?? 'unknown');
}

function initCommand(): Command {
  return new Command('init')
    .description('write a commented starter repo that validates and plans')
    .argument('[dir]', 'new or empty directory', '.');
}

function validateCommand(): Command {
  return withSource(new Command('validate'))
    .description('check the configuration; needs neither store nor engines')
    .addOption(output(diagnosticFormats, { hasOut: false }));
}

function planCommand(): Command {
  return withSource(new Command('plan'), '[dirs...]')
    .description('show what would be done, and change nothing')
    .addOption(storeFlag())
    .addOption(flag('--state <file>', 'plan against a snapshot: neither store nor engines are contacted'))
    .addOption(flag('--base <ref>', 'ref of the same repo: what "current" in the snapshot, and --changed, refer to'))
    .addOption(flag('--changed', 'leave out directories that say the same at --base'))
    .addOption(flag('--out <file>', 'also write the plan to a file, for `muster apply FILE`'))
    .addOption(output(planFormats, { hasOut: true }))
    .addOption(flag('--all', 'show long lists whole'))
    .addOption(flag('--detailed-exitcode', 'exit 2 when there are changes'));
}

function showCommand(): Command {
  return new Command('show')
    .description('show a saved plan')
    .argument('<plan>', 'file written by `muster plan --out`')
    .addOption(output(planFormats, { hasOut: false }))
    .addOption(flag('--all', 'show long lists whole'))
    .addOption(flag('--detailed-exitcode', 'exit 2 when there are changes'));
}

function applyCommand(): Command {
  const command = new Command('apply')
    .description('show the plan, ask, and carry it out')
    .argument('[target]', 'directory of the config repo, or a saved plan', '.')
    .argument('[dir]', 'with a saved plan: directory of the config repo', '.');
  return withRepo(command)
    .addOption(storeFlag())
    .addOption(flag('--auto-approve', 'do not ask'))
    .addOption(lockTimeoutFlag())
    .addOption(flag('--all', 'show long lists whole'));
}

function runCommand(): Command {
  return withSource(new Command('run'))
    .description('follow the config repo: apply what is merged, heal what drifts')
    .addOption(storeFlag())
    .addOption(
      flag('--interval <duration>', 'how often the repo is looked at').argParser(parseWait).default(10_000, '10s'),
    )
    .addOption(
      flag('--listen <address>', 'HOST:PORT of /healthz and /metrics; port 0 takes a free one').default(
        '127.0.0.1:9464',
      ),
    )
    .addOption(
      flag('--log-level <level>', 'how much is logged').choices(['debug', 'info', 'warn', 'error']).default('info'),
    );
}

function statusCommand(): Command {
  return withSource(new Command('status'))
    .description('desired, recorded and observed side by side, with drift')
    .addOption(storeFlag())
    .addOption(
      flag('--from <source>', 'ask the engines alone and do not open the store, which may be dead').choices(
        statusSources,
      ),
    )
    .addOption(output(viewFormats, { hasOut: false }))
    .addOption(flag('--all', 'show long lists whole'))
    .addOption(flag('--detailed-exitcode', 'exit 2 when something drifted or is not as declared'));
}

function driftCommand(): Command {
  return withSource(new Command('drift'))
    .description('what is not as it was recorded, and what is healed of it')
    .addOption(storeFlag())
    .addOption(output(viewFormats, { hasOut: false }))
    .addOption(flag('--all', 'show long lists whole'))
    .addOption(flag('--detailed-exitcode', 'exit 2 when something drifted'));
}

/** What a command that only plans works on: store and engines, or a snapshot. */
const withWorld = (command: Command): Command =>
  command
    .addOption(storeFlag())
    .addOption(flag('--state <file>', 'use a snapshot: neither store nor engines are contacted'))
    .addOption(flag('--base <ref>', 'ref of the same repo: what "current" in the snapshot refers to'));

function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'why an instance, a workload or a node is as it is: what holds it, why not elsewhere, what would let it fit',
    )
    .argument('<subject>', 'namespace/workload/ordinal, namespace/workload, or a node');
  return withWorld(withSource(command))
    .addOption(output(viewFormats, { hasOut: false }))
    .addOption(flag('--all', 'show long lists whole'));
}

function simulateCommand(): Command {
  return withWorld(withSource(new Command('simulate')))
    .description('lose nodes on paper: who falls below its budget, what finds room again, how much head-room there is')
    .addOption(flag('--lose <nodes>', 'these nodes are lost, at once: NAME,…').argParser(parseNames))
    .addOption(flag('--lose-zone <zones>', 'every node of these zones is lost: ZONE,…').argParser(parseNames))
    .addOption(flag('--any <count>', 'may any so many nodes of a pod be lost together?').argParser(parseCount))
    .addOption(flag('--pod <pods>', 'with --any: only of these pods: POD,…').argParser(parseNames))
    .addOption(output(answerFormats, { hasOut: false }))
    .addOption(flag('--all', 'show long lists whole'));
}

function rebalanceCommand(): Command {
  return withWorld(withSource(new Command('rebalance')))
    .description('plan a few moves that even out spread and use, or that empty nodes; never part of a normal plan')
    .addOption(flag('--max-moves <count>', 'most instances that move').argParser(parseCount).default(10))
    .addOption(flag('--pod <pods>', 'only what is on these pods: POD,…').argParser(parseNames))
    .addOption(flag('--empty <nodes>', 'move everything that may go off these nodes: NAME,…').argParser(parseNames))
    .addOption(flag('--fewest-nodes', 'empty the nodes that hold least, as many as the others have room for'))
    .addOption(flag('--out <file>', 'also write the plan to a file, for `muster apply FILE`'))
    .addOption(flag('--apply', 'ask, and carry it out'))
    .addOption(flag('--auto-approve', 'with --apply: do not ask'))
    .addOption(lockTimeoutFlag())
    .addOption(output(answerFormats, { hasOut: true }))
    .addOption(flag('--all', 'show long lists whole'));
}

function historyCommand(): Command {
  return withSource(new Command('history'))
    .description('what was applied, newest first')
    .addOption(storeFlag())
    .addOption(limitFlag())
    .addOption(output(viewFormats, { hasOut: false }));
}

function retryCommand(): Command {
  const command = new Command('retry')
    .description('try again what git declares: forgets failed and cancelled revisions, and lifts pins')
    .argument('<workload>', 'namespace/workload');
  return withTelling(withSource(command));
}

function snapshotCommand(): Command {
  return withSource(new Command('snapshot'))
    .description('recorded and observed as one JSON file, for `plan --state`')
    .addOption(storeFlag())
    .addOption(flag('--after <plan>', 'the world as it will be once this saved plan is applied'))
    .addOption(flag('--state <file>', 'with --after: start from this snapshot instead of store and engines'))
    .addOption(flag('--out <file>', 'write to a file instead of stdout'));
}

function doctorCommand(): Command {
  return withSource(new Command('doctor'))
    .description('check Node, git, the store and every engine, with a remedy for what fails')
    .addOption(storeFlag())
    .addOption(output(viewFormats, { hasOut: false }));
}

function demoCommand(): Command {
  return new Command('demo')
    .description('play the main job on this machine: plan, apply, heal, roll back, recover; cleans up after itself')
    .addOption(flag('--keep', 'leave the cluster running at the end, and say how to look around'));
}

function completionCommand(): Command {
  return new Command('completion')
    .description('print a completion script: muster completion bash > /etc/bash_completion.d/muster')
    .addArgument(new Command().createArgument('<shell>', 'your shell').choices([...shells]));
}
