import { detectDrift } from '../../drift/detect.ts';
import type { Desired } from '../../model/desired.ts';
import { behindHint, behindText } from '../../reconcile/behind.ts';
import { systemClock } from '../../reconcile/clock.ts';
import { surveyEngines } from '../../reconcile/survey.ts';
import { renderStatusText } from '../../render/status.ts';
import { renderEnginesText } from '../../render/status-engines.ts';
import { viewEngines } from '../../render/status-engines-view.ts';
import { viewStatus } from '../../render/status-view.ts';
import { StoreError } from '../../store/store.ts';
import { locate, type Place, requireDesired, type SourceFlags } from '../config.ts';
import { loadEngineCredentials } from '../credentials.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { enginesOf, readWorld, type StoreFlags } from '../world.ts';

export interface StatusFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
  /** The engines alone: the store is not opened, whatever else says where it is. */
  readonly from?: 'engines';
  readonly all?: boolean;
  readonly detailedExitcode?: boolean;
}

/** Desired, recorded and observed side by side; with the store dead, desired and observed. */
export async function status(dir: string, flags: StatusFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const { view, text } =
    flags.from === 'engines' ? await statusOfEngines(place, desired) : await statusOfWorld(place, desired, flags);
  const page = { color: terminal.color, width: terminal.width, all: flags.all, now: Date.now() };
  await terminal.result(flags.output === 'json' ? `${JSON.stringify(view, undefined, 2)}\n` : text(page));
  return flags.detailedExitcode === true && !view.asDeclared ? exitCodes.changes : exitCodes.ok;
}

type Page = Parameters<typeof renderStatusText>[1];

interface Shown {
  readonly view: { readonly asDeclared: boolean };
  readonly text: (page: Page) => string;
}

async function statusOfWorld(place: Place, desired: Desired, flags: StoreFlags): Promise<Shown> {
  const { recorded, observed, ahead, location } = await readWorld(place, desired, flags).catch((error: unknown) => {
    throw error instanceof StoreError ? withoutStore(error) : error;
  });
  const drift = detectDrift(recorded, observed, desired.cluster.drift.ignoreFields);
  const behind = ahead.length > 0 ? `${behindText(location, ahead)}. ${behindHint}` : undefined;
  const view = viewStatus({ desired, recorded, observed, drift, now: Date.now(), ...(behind && { behind }) });
  return { view, text: (page) => renderStatusText(view, page) };
}

/** Who asks while the store is away is told how to see what runs. */
function withoutStore(error: StoreError): StoreError {
  const { code, message, retryable } = error;
  const without = 'What runs can be seen without the store: muster status --from engines';
  const hint = error.hint === undefined ? without : `${error.hint}\n  ${without}`;
  return new StoreError({ code, message, retryable, hint, cause: error });
}

async function statusOfEngines(place: Place, desired: Desired): Promise<Shown> {
  const credentials = await loadEngineCredentials(process.env);
  const observed = await surveyEngines({
    desired,
    openEngines: (uid) => enginesOf({ place, desired, credentials, uid }),
    clock: systemClock,
  });
  const view = viewEngines({ desired, observed, now: Date.now() });
  return { view, text: (page) => renderEnginesText(view, page) };
}
