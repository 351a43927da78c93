import { assertNever } from '../model/assert.ts';
import type { InstanceId, RunId, UnitId } from '../model/ids.ts';

/** `waiting`: of a paused run that had not begun it · `newer`: begun by a newer version, which alone can go on with it */
export type OpenState = 'running' | 'settling' | 'unwinding' | 'stuck' | 'paused' | 'waiting' | 'newer';

/** What stands in the way of a stuck unit. */
export interface UnitFailing {
  readonly instance: InstanceId;
  /** `remove default/web/0#2 on n1 (docker)` */
  readonly what: string;
}

export interface OperatorCommand {
  readonly command: string;
  readonly does: string;
}

/** The commands that a unit in this state takes, most useful first, in words that hold for it. */
export function commandsFor(
  {
    unit,
    run,
    state,
    failing,
    together,
  }: {
    readonly unit: UnitId;
    readonly run: RunId;
    readonly state: OpenState;
    readonly failing: readonly UnitFailing[];
    /** What it commits together with. */
    readonly together?: { readonly others: readonly UnitId[] };
  },
  { isForward }: { readonly isForward: boolean },
): readonly OperatorCommand[] {
  const abandon = {
    command: `muster unit abandon ${unit}`,
    does:
      'closes it as it is: nothing that runs is touched, what it holds stays recorded, and the next plan deals with it' +
      (together === undefined || !isForward || state === 'stuck' || state === 'settling'
        ? ''
        : `; what it commits together with goes back: ${together.others.join(', ')}`),
  };
  const cancel = {
    command: `muster runs cancel ${run}`,
    does: 'undoes what has not committed; a revision that it brought is not tried again until git changes or `muster retry`',
  };
  switch (state) {
    case 'stuck': {
      const what = failing.map((item) => item.what).join('; ') || 'what is left';
      const left = [...new Set(failing.map(({ instance }) => instance))].join(', ') || 'what fails';
      return [
        { command: `muster unit retry ${unit}`, does: `tries again: ${what}` },
        {
          command: `muster unit skip ${unit}`,
          does: `leaves ${left} as it is, recorded and charged, ${isForward ? 'and cleans up the rest' : 'and undoes the rest'}; the next plan deals with what was left`,
        },
        abandon,
      ];
    }
    case 'paused':
      return [{ command: `muster runs resume ${run}`, does: 'goes on where it is' }, cancel, abandon];
    case 'running':
    case 'settling':
    case 'unwinding':
      return [
        {
          command: `muster runs pause ${run}`,
          does: 'steps that were begun are finished, then it stays as it is until it is resumed or cancelled',
        },
        ...(state === 'running' ? [cancel] : []),
        { ...abandon, does: `only while nobody works on it (pause its run first): ${abandon.does}` },
      ];
    case 'waiting':
      return [
        { command: `muster runs resume ${run}`, does: 'the run goes on; this unit is planned anew by the next plan' },
        { command: `muster runs cancel ${run}`, does: 'the run is undone; this unit is planned anew by the next plan' },
      ];
    case 'newer':
      return [];
    default:
      return assertNever(state);
  }
}
