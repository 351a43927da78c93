import { type Command, Option } from 'commander';
import { formatParser, parseCount, parseWait } from './suggest.ts';

/** Formats that a command offers with `-o`; here rather than in render/, so that `--help` loads no renderer. */
export const planFormats = ['text', 'json', 'markdown', 'github', 'junit', 'sarif'] as const;
export const diagnosticFormats = ['text', 'json', 'github', 'junit', 'sarif'] as const;
export const answerFormats = ['text', 'json', 'markdown'] as const;
export const viewFormats = ['text', 'json'] as const;

/** A flag that is also `MUSTER_<FLAG>`. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = `MUSTER_${option.name().replaceAll('-', '_').toUpperCase()}`;
  // commander takes any value of a switch's variable for "on": MUSTER_AUTO_APPROVE=false must not approve.
  const isOff =
    option.isBoolean() && ['', '0', 'false', 'no', 'off'].includes(process.env[variable]?.toLowerCase() ?? 'unset');
  return isOff ? option : option.env(variable);
}

export function output(formats: readonly string[], options: { readonly hasOut: boolean }): Option {
  const option = flag('-o, --output <format>', `one of ${formats.join(', ')}`).argParser(
    formatParser(formats, options),
  );
  return option.default('text');
}

/** Where the configuration is: a directory, or a git repository at a ref. */
export function withSource(command: Command, argument: '[dir]' | '[dirs...]' = '[dir]'): Command {
  return withRepo(
    argument === '[dir]'
      ? command.argument(argument, 'directory of the config repo', '.')
      : command.argument(argument, 'directories of config repos', ['.']),
  );
}

/** The repository alone: for a command whose arguments are not its own. */
export const withRepo = (command: Command): Command =>
  command
    .addOption(flag('--repo <url>', 'read a git repository instead of a directory'))
    .addOption(flag('--ref <ref>', 'branch, tag or commit of --repo (default: HEAD)'))
    .addOption(flag('--path <path>', 'folder inside --repo (default: .)'));

export const storeFlag = (): Option =>
  flag(
    '--store <location>',
    'embedded:PATH or etcd://HOST:PORT[,…]/PREFIX (default: what Cluster declares, else embedded)',
  );

export const lockTimeoutFlag = (): Option =>
  flag('--lock-timeout <duration>', 'how long to wait for another writer').argParser(parseWait).default(0, '0s');

export const limitFlag = (): Option => flag('--limit <count>', 'most entries').argParser(parseCount).default(20);

/** What every command has that tells the leader something. */
export const withTelling = (command: Command): Command =>
  command
    .addOption(storeFlag())
    .addOption(flag('--reason <text>', 'why, for whoever reads it later'))
    .addOption(lockTimeoutFlag())
    .addOption(
      flag('--wait <duration>', 'how long to wait for the answer of whoever leads')
        .argParser(parseWait)
        .default(30_000, '30s'),
    );
