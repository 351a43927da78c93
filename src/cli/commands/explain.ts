import { type InstanceId, nodeName, type WorkloadId } from '../../model/ids.ts';
import { explain as explainSubject, type Subject } from '../../plan/explain.ts';
import type { PlanInputs } from '../../plan/inputs.ts';
import { type ExplainFormat, renderExplanation } from '../../render/explain.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { type InputFlags, readInputs } from '../inputs.ts';
import { knownNodes, unknownName } from '../names.ts';
import { openTerminal } from '../terminal.ts';

export interface ExplainFlags extends InputFlags {
  readonly output: ExplainFormat;
  readonly all?: boolean;
}

/** Why something is where it is, what holds it, and what would let it be elsewhere. Changes nothing. */
export async function explain(subject: string, dir: string, flags: ExplainFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const { inputs } = await readInputs(dir, flags, terminal);
  const explanation = explainSubject(inputs, subjectOf(subject));
  if (explanation === undefined) throw unknown(subject, inputs);
  const options = { color: terminal.color, width: terminal.width, all: flags.all, now: inputs.now };
  await terminal.result(renderExplanation(explanation, flags.output, options));
  return exitCodes.ok;
}

/** `namespace/workload/ordinal`, `namespace/workload` or a node. */
function subjectOf(text: string): Subject {
  const parts = text.split('/');
  if (parts.length === 1) return { kind: 'node', name: nodeName(text) };
  if (parts.length === 2) return { kind: 'workload', id: text as WorkloadId };
  if (parts.length === 3 && /^(0|[1-9]\d*)$/.test(parts[2] ?? '')) return { kind: 'instance', id: text as InstanceId };
  throw new CliError(`${text} is neither an instance, a workload nor a node`, {
    hint: 'For example: payments/checkout/3, payments/checkout, or web-a-07.',
  });
}

function unknown(subject: string, inputs: PlanInputs): CliError {
  const workloads = new Set<string>([
    ...inputs.desired.workloads.map(({ id }) => id),
    ...inputs.recorded.allocations.map(({ workload }) => workload),
  ]);
  const parts = subject.split('/');
  if (parts.length === 1) {
    const isShort = [...workloads].find((id) => id.endsWith(`/${subject}`));
    if (isShort === undefined) return unknownName('node', subject, knownNodes(inputs));
    return new CliError(`there is no node ${subject}`, { hint: `Did you mean the workload ${isShort}?` });
  }
  const workload = parts.slice(0, 2).join('/');
  if (!workloads.has(workload)) return unknownName('workload', workload, workloads);
  return new CliError(`there is no instance ${subject}`, {
    hint: `Git does not want it, and it is not recorded. \`muster explain ${workload}\` shows what there is.`,
  });
}
