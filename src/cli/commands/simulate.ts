import type { PlanInputs } from '../../plan/inputs.ts';
import { headRoomOf } from '../../plan/simulate/head-room.ts';
import { type PlannedWorld, plannedWorld } from '../../plan/simulate/world.ts';
import { simulateOn } from '../../plan/simulate.ts';
import { renderSimulation, type SimulateAnswer, type SimulateFormat } from '../../render/simulate.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { type InputFlags, readInputs } from '../inputs.ts';
import { namedNodes, namedPods, nodesOfZones } from '../names.ts';
import { openTerminal } from '../terminal.ts';

export interface SimulateFlags extends InputFlags {
  readonly lose?: readonly string[];
  readonly loseZone?: readonly string[];
  readonly any?: number;
  readonly pod?: readonly string[];
  readonly output: SimulateFormat;
  readonly all?: boolean;
}

/** Loses nodes on paper: nothing is touched. Exit code 3 when something finds no room any more. */
export async function simulate(dir: string, flags: SimulateFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  checkQuestion(flags);
  const { inputs, warnings } = await readInputs(dir, flags, terminal);
  for (const { code, message } of warnings) terminal.say(`warning[${code}]: ${message}`);
  const answer = answerTo(inputs, flags);
  const zones = flags.lose === undefined ? flags.loseZone : undefined;
  const options = { color: terminal.color, width: terminal.width, all: flags.all, zones };
  await terminal.result(renderSimulation(answer, flags.output, options));
  return survives(answer) ? exitCodes.ok : exitCodes.refused;
}

function checkQuestion(flags: SimulateFlags): void {
  const loses = flags.lose !== undefined || flags.loseZone !== undefined;
  if (!loses && flags.any === undefined) {
    throw new CliError('what is to be lost?', {
      hint: 'Give --lose NODE,…, --lose-zone ZONE, or --any 1: may any one node be lost?',
    });
  }
  if (loses && flags.any !== undefined) {
    throw new CliError('--any asks about every node, --lose and --lose-zone about some', {
      hint: 'Ask them one after the other.',
    });
  }
  if (flags.pod !== undefined && flags.any === undefined) {
    throw new CliError('--pod needs --any', { hint: 'For example: --any 1 --pod web' });
  }
}

function answerTo(inputs: PlanInputs, flags: SimulateFlags): SimulateAnswer {
  if (flags.any === undefined) {
    const lose = [...namedNodes(inputs, flags.lose ?? []), ...nodesOfZones(inputs, flags.loseZone ?? [])];
    return { kind: 'loss', simulation: simulateOn(plannedWorld(inputs), lose) };
  }
  const pods = flags.pod === undefined ? undefined : namedPods(inputs, flags.pod);
  const world: PlannedWorld = plannedWorld(inputs);
  return { kind: 'headRoom', headRoom: headRoomOf(world, { any: flags.any, ...(pods !== undefined && { pods }) }) };
}

/** Not proved is not refused: only what was found to find no room is. */
const survives = (answer: SimulateAnswer): boolean =>
  answer.kind === 'loss'
    ? answer.simulation.survives
    : answer.headRoom.pods.every(({ verdict }) => verdict !== 'fails');
