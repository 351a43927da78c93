import { hasErrors } from '../../model/diagnostics.ts';
import { type DiagnosticFormat, renderDiagnostics } from '../../render/diagnostics.ts';
import { plural } from '../../render/layout.ts';
import { locate, readConfig, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';

/** Reads the configuration whole and reports every mistake. Contacts nothing but the git server of `--repo`. */
export async function validate(
  dir: string,
  flags: SourceFlags & { readonly output: DiagnosticFormat },
): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const { desired, diagnostics } = await readConfig(place);
  await terminal.result(renderDiagnostics(diagnostics, flags.output, { color: terminal.color, root: place.root }));
  if (desired === undefined || hasErrors(diagnostics)) {
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
    terminal.say(`Not valid: ${plural(errors, 'error')}.`);
    return exitCodes.error;
  }
  const counts = `${plural(desired.nodes.length, 'node')} in ${plural(desired.pods.length, 'pod')}, ${plural(desired.workloads.length, 'workload')}`;
  const summary = `Valid: cluster ${desired.cluster.name}, ${counts}.`;
  if (flags.output === 'text') await terminal.result(`${summary}\n`);
  else terminal.say(summary);
  return exitCodes.ok;
}
