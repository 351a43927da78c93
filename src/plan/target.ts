import type { DesiredWorkload } from '../model/desired.ts';
import type { RevisionHash } from '../model/ids.ts';
import { formatInstant } from '../model/instant.ts';
import type { Revision } from '../model/revision.ts';
import type { Context } from './context.ts';
import type { MatchedWorkload } from './match.ts';
import { isHeld } from './transactions.ts';

/** The revision that a workload is planned on. */
export interface Target {
  readonly hash: RevisionHash;
  readonly revision: Revision;
  /** It is what git asks for; otherwise a pin or the last good one stands in. */
  readonly followsGit: boolean;
}

/**
 * What git asks for, unless an override pins another revision, or this one failed its health gate before, or a workload of
 * the same transaction is kept from its own: then the last good one. Undefined, with a refusal, when there is none to go
 * back to.
 */
export function chooseTarget(
  context: Context,
  workload: MatchedWorkload,
  definition: DesiredWorkload,
): Target | undefined {
  const { inputs, notes } = context;
  const asked: Target = { hash: definition.revisionHash, revision: definition.revision, followsGit: true };
  const pin = inputs.recorded.overrides.find(
    (override) => override.kind === 'pin' && override.target === workload.id && override.until > inputs.now,
  );
  if (pin?.revision !== undefined && pin.revision !== asked.hash) {
    const revision = inputs.recorded.revisions.get(pin.revision);
    if (revision !== undefined) {
      notes.warn(
        'MUS5005',
        workload.id,
        `${workload.id} is pinned to ${pin.revision} until ${formatInstant(pin.until)} by ${pin.actor} (${pin.reason}); ` +
          `git asks for ${asked.hash}: \`muster retry ${workload.id}\` goes back to it`,
      );
      return { hash: pin.revision, revision, followsGit: false };
    }
    notes.warn(
      'MUS5013',
      workload.id,
      `${workload.id} is pinned to ${pin.revision} by ${pin.actor} (${pin.reason}), but that revision is not recorded any more: it follows git`,
    );
  }
  const failed = workload.record?.failed.find((entry) => entry.revision === asked.hash);
  const lastGood = workload.record?.lastGood;
  const revision = lastGood === undefined ? undefined : inputs.recorded.revisions.get(lastGood);
  if (failed === undefined) {
    if (!isHeld(context, definition)) return asked;
    // `noteHeld` says why.
    return lastGood === undefined || revision === undefined
      ? undefined
      : { hash: lastGood, revision, followsGit: false };
  }
  if (lastGood === undefined || revision === undefined || lastGood === asked.hash) {
    notes.refuse({
      code: 'MUS4005',
      subject: workload.id,
      instances: definition.replicas,
      message:
        `${workload.id}: revision ${asked.hash} failed before (${failed.reason}) and there is no good one to go back to: ` +
        `commit a mended revision, or run \`muster retry ${workload.id}\``,
      byReason: {},
    });
    return undefined;
  }
  notes.warn(
    'MUS5005',
    workload.id,
    `${workload.id} stays on ${lastGood}: revision ${asked.hash} failed before (${failed.reason}); ` +
      `commit a mended one, or run \`muster retry ${workload.id}\``,
  );
  return { hash: lastGood, revision, followsGit: false };
}
