import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { knownNodes, unknownName } from '../names.ts';
import {
  type LiftFlags,
  lift,
  newOverride,
  type OverrideFlags,
  overriding,
  put,
  untilText,
  whoPlans,
} from '../override.ts';

/** Closes a node for a while: it keeps what it has and accepts nothing new. */
export const cordon = (node: string, dir: string, flags: OverrideFlags): Promise<ExitCode> =>
  overriding(dir, flags, async (with_) => {
    const known = knownNodes(with_);
    if (!known.has(node)) throw unknownName('node', node, known);
    const override = newOverride({ kind: 'cordon', target: node }, flags);
    await put(with_, [override]);
    with_.terminal.say(`${node} is cordoned ${untilText(override)}: it keeps what it has and accepts nothing new.`);
    with_.terminal.say(await whoPlans(with_));
    return exitCodes.ok;
  });

/** Opens a node again that `cordon` closed; what git says about it holds. */
export const uncordon = (node: string, dir: string, flags: LiftFlags): Promise<ExitCode> =>
  overriding(dir, flags, async (with_) => {
    const lifted = await lift(with_, { kind: 'cordon', target: node });
    const lifecycle = with_.desired.nodes.find(({ name }) => name === node)?.lifecycle;
    const ofGit = lifecycle === undefined || lifecycle === 'online' ? '' : `git has its lifecycle as ${lifecycle}`;
    if (lifted === undefined) {
      throw new CliError(`${node} is not cordoned by an override; nothing was changed`, {
        hint: ofGit === '' ? '`muster status` shows the overrides that are in force.' : `${ofGit}: change it there.`,
      });
    }
    with_.terminal.say(`${node} is not cordoned any more; it was ${untilText(lifted)}.`);
    if (ofGit !== '') with_.terminal.say(`It still accepts nothing: ${ofGit}.`);
    with_.terminal.say(await whoPlans(with_));
    return exitCodes.ok;
  });
