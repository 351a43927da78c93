import type { WorkloadId } from '../../model/ids.ts';
import { runId } from '../../model/ids.ts';
import { siblingsOf, transactionsOf } from '../../model/transactions.ts';
import { readInFlight } from '../../reconcile/inspect.ts';
import { mostOverrides } from '../../reconcile/overrides.ts';
import { findRun, type WayBack, wayBack, waysBackOfRun, waysBackTogether, wayTo } from '../../reconcile/rollback.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { unknownName } from '../names.ts';
import {
  newOverride,
  type OverrideFlags,
  type Overriding,
  overriding,
  put,
  sayInFlight,
  untilText,
  whoPlans,
} from '../override.ts';

export interface RollbackFlags extends OverrideFlags {
  readonly to?: string;
}

/** Pins a workload (with those that it changes together with), or everything that a run changed, to the good revision of before; the next plan brings it there. */
export const rollback = (subject: string, dir: string, flags: RollbackFlags): Promise<ExitCode> =>
  overriding(dir, flags, async (with_) => {
    const ways = await waysOf(with_, subject, flags.to);
    const pins = ways.filter((way) => way.kind === 'pin');
    const others = ways.filter((way) => way.kind === 'none');
    if (pins.length === 0) throw nothingToPin(subject, others);
    if (pins.length > mostOverrides) {
      throw new CliError(
        `${subject} changed ${pins.length} workloads; at most ${mostOverrides} go back with one command`,
        {
          hint: 'Nothing was pinned. Revert the commit in git, or roll back workload by workload.',
        },
      );
    }
    const overrides = pins.map(({ workload, to }) =>
      newOverride({ kind: 'pin', target: workload, revision: to }, flags),
    );
    await put(with_, overrides);
    const [first] = overrides;
    for (const { workload, from, to } of pins) with_.terminal.say(`${workload} goes back from ${from} to ${to}.`);
    for (const { workload, reason } of others) with_.terminal.say(`${workload} stays: ${reason}.`);
    if (first !== undefined)
      with_.terminal.say(`Pinned ${untilText(first)}; \`muster retry WORKLOAD\` lifts a pin sooner.`);
    sayInFlight(with_, (workload) => pins.some((pin) => pin.workload === workload));
    with_.terminal.say(await whoPlans(with_));
    return exitCodes.ok;
  });

async function waysOf(with_: Overriding, subject: string, to: string | undefined): Promise<readonly WayBack[]> {
  const world = { desired: with_.desired, recorded: with_.recorded, now: Date.now() };
  if (subject.includes('/')) {
    const workload = requireWorkload(with_, subject);
    if (to !== undefined) return [await wayTo(with_.store, world, workload, to)];
    const definition = with_.desired.workloads.find(({ id }) => id === workload);
    if (definition === undefined || siblingsOf(transactionsOf(with_.desired.workloads), definition).length === 0)
      return [wayBack(world, workload)];
    return waysBackTogether(world, definition, (await readInFlight(with_.store)).history);
  }
  if (to !== undefined)
    throw new CliError('--to needs a workload: a run changed several', {
      hint: `muster rollback NAMESPACE/WORKLOAD --to ${to}`,
    });
  const inFlight = await readInFlight(with_.store);
  const meta = findRun(runId(subject), inFlight);
  if (meta === undefined)
    throw unknownName('workload (namespace/workload) or run', subject, [
      ...inFlight.runs.keys(),
      ...inFlight.history.map(({ run }) => run),
    ]);
  if (meta.revisions === undefined)
    throw new CliError(`what run ${subject} changed is not recorded: it was too large, or of an older muster`, {
      hint: 'Revert the commit in git, or roll back workload by workload.',
    });
  return waysBackOfRun(world, meta.revisions);
}

function requireWorkload({ desired, recorded }: Overriding, name: string): WorkloadId {
  const known = new Set<string>([...desired.workloads.map(({ id }) => id), ...recorded.workloads.keys()]);
  if (known.has(name)) return name as WorkloadId;
  throw unknownName('workload', name, known);
}

function nothingToPin(subject: string, others: readonly Extract<WayBack, { readonly kind: 'none' }>[]): CliError {
  if (others.length === 0)
    return new CliError(`run ${subject} brought no new revision: there is nothing to go back from`);
  const reasons = others.map(({ workload, reason }) => `${workload}: ${reason}`);
  return new CliError(`nothing was pinned. ${reasons.join('\n  ')}`);
}
