import { assertNever } from '../model/assert.ts';
import type { HeadRoom } from '../plan/simulate/head-room.ts';
import type { Simulation } from '../plan/simulate.ts';
import { renderHeadRoomMarkdown, renderSimulationMarkdown } from './simulate-markdown.ts';
import { renderHeadRoomText, renderSimulationText, type SimulateTextOptions } from './simulate-text.ts';

export type SimulateFormat = 'text' | 'json' | 'markdown';

/** What happened in a simulation, or how much may happen. */
export type SimulateAnswer =
  | { readonly kind: 'loss'; readonly simulation: Simulation }
  | { readonly kind: 'headRoom'; readonly headRoom: HeadRoom };

/** Additive changes raise the minor version, anything else the major. */
const simulationFormatVersion = '1.0';

export function renderSimulation(answer: SimulateAnswer, format: SimulateFormat, options: SimulateTextOptions): string {
  switch (format) {
    case 'text':
      return answer.kind === 'loss'
        ? renderSimulationText(answer.simulation, options)
        : renderHeadRoomText(answer.headRoom, options);
    case 'markdown':
      return answer.kind === 'loss'
        ? renderSimulationMarkdown(answer.simulation, options)
        : renderHeadRoomMarkdown(answer.headRoom);
    case 'json': {
      const content = answer.kind === 'loss' ? answer.simulation : answer.headRoom;
      return `${JSON.stringify({ formatVersion: simulationFormatVersion, kind: answer.kind, ...content }, undefined, 2)}\n`;
    }
    default:
      return assertNever(format);
  }
}
