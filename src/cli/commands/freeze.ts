import type { WorkloadId } from '../../model/ids.ts';
import { coveringTargets, type Override } from '../../model/recorded.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { unknownName } from '../names.ts';
import {
  type LiftFlags,
  lift,
  newOverride,
  type OverrideFlags,
  type Overriding,
  overriding,
  put,
  sayInFlight,
  untilText,
  whoPlans,
} from '../override.ts';

/** Leaves a workload, a namespace or everything alone for a while: no plan touches it, not even to heal it. */
export const freeze = (target: string, dir: string, flags: OverrideFlags): Promise<ExitCode> =>
  overriding(dir, flags, async (with_) => {
    requireTarget(with_, target);
    const override = newOverride({ kind: 'freeze', target }, flags);
    await put(with_, [override]);
    with_.terminal.say(`${nameOf(target)} is frozen ${untilText(override)}: no plan touches it, not even to heal it.`);
    sayInFlight(with_, (workload) => covers(target, workload));
    with_.terminal.say(await whoPlans(with_));
    return exitCodes.ok;
  });

/** Ends a freeze before its time. */
export const thaw = (target: string, dir: string, flags: LiftFlags): Promise<ExitCode> =>
  overriding(dir, flags, async (with_) => {
    const lifted = await lift(with_, { kind: 'freeze', target });
    if (lifted === undefined) throw notFrozen(with_, target);
    with_.terminal.say(`${nameOf(target)} is not frozen any more; it was ${untilText(lifted)}.`);
    for (const other of freezesOf(with_).filter((entry) => entry.target !== target && covers(entry.target, target)))
      with_.terminal.say(`It is still frozen with ${nameOf(other.target)}: muster thaw ${quoted(other.target)}`);
    with_.terminal.say(await whoPlans(with_));
    return exitCodes.ok;
  });

const nameOf = (target: string): string =>
  target === '*' ? 'Everything' : target.includes('/') ? target : `Namespace ${target}`;

const quoted = (target: string): string => (target === '*' ? "'*'" : target);

const covers = (target: string, workload: string): boolean =>
  (coveringTargets(workload as WorkloadId) as readonly string[]).includes(target);

const freezesOf = ({ recorded }: Overriding): readonly Override[] =>
  recorded.overrides.filter(({ kind, until }) => kind === 'freeze' && until > Date.now());

function requireTarget({ desired, recorded }: Overriding, target: string): void {
  const workloads = new Set<WorkloadId>([...desired.workloads.map(({ id }) => id), ...recorded.workloads.keys()]);
  const known = new Set<string>([...workloads].flatMap((id) => coveringTargets(id)));
  if (target === '*' || known.has(target)) return;
  throw unknownName('workload or namespace', target, known);
}

function notFrozen(with_: Overriding, target: string): CliError {
  const freezes = freezesOf(with_);
  const wider = freezes.find((entry) => covers(entry.target, target));
  if (wider !== undefined) {
    return new CliError(`${target} has no freeze of its own: it is frozen with ${nameOf(wider.target)}`, {
      hint: `muster thaw ${quoted(wider.target)}`,
    });
  }
  const names = freezes.map((entry) => quoted(entry.target)).join(', ');
  return new CliError(`${target} is not frozen; nothing was changed`, {
    hint: names === '' ? 'Nothing is.' : `Frozen are: ${names}`,
  });
}
