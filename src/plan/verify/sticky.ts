import type { DesiredWorkload } from '../../model/desired.ts';
import type { Replaced } from '../../model/plan.ts';
import type { Allocation } from '../../model/recorded.ts';
import type { Report } from './violation.ts';
import type { Check, Item } from './world.ts';

/** What belongs to its place stays there, what exists once is never there twice, and data is not lost by the way. */
export function stickyCheck(report: Report): Check {
  return {
    unit: ({ workload, items }) => {
      if (workload === undefined) return;
      for (const item of items) {
        const { step, shape } = item;
        if (step.class === 'dataLoss') report('dataLoss', step.id, `${step.instance} would lose its data`);
        if (workload.type === 'stateless' || !shape.makes || step.replaces === undefined) continue;
        checkPlace(workload, item, step.replaces, report);
        checkData(item, report);
      }
    },
  };
}

function checkPlace(workload: DesiredWorkload, { step, shape, old }: Item, { node }: Replaced, report: Report): void {
  const reason = whyBound(workload, old);
  if (node !== step.node && reason !== undefined) {
    report('sticky', step.id, `${step.instance} leaves ${node}: ${reason}`);
  }
  if (shape.chained) return;
  report('sticky', step.id, `a ${workload.type} instance exists once: ${step.instance} would be made beside itself`);
}

/** Why an instance may not be on another node; undefined when it may. */
function whyBound({ type }: DesiredWorkload, old: Allocation | undefined): string | undefined {
  switch (type) {
    case 'static':
      return 'it is static and never moves';
    case 'daemon':
      return 'it is the daemon of that node';
    case 'stateful':
    case 'stateless':
      return old?.holds.volumes?.[0] === undefined ? undefined : `its volume ${old.holds.volumes[0].name} is there`;
  }
}

/**
 * Data that is still wanted stays in its place: a volume that the new revision has, too, is held again, and on the same
 * device unless git names another one. What git took out of the revision stays behind: a replacement deletes nothing.
 */
function checkData({ step, facts, old }: Item, report: Report): void {
  for (const { name, device } of old?.holds.volumes ?? []) {
    const wanted = facts?.localVolumes.find((volume) => volume.name === name);
    if (wanted === undefined) continue;
    const now = step.holds.volumes?.find((volume) => volume.name === name)?.device;
    if (now === device || (now !== undefined && wanted.source.kind === 'device')) continue;
    report(
      'dataLoss',
      step.id,
      `${step.instance} would start without the data of volume ${name}, which is on ${device}`,
    );
  }
}
