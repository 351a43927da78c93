import type { DesiredWorkload } from '../../model/desired.ts';
import type { Replaced, Step } from '../../model/plan.ts';
import type { Allocation } from '../../model/recorded.ts';
import type { Report } from './violation.ts';
import type { Check, Item, World } from './world.ts';

/** What belongs to its place stays there, what exists once is never there twice, and data is not lost by the way. */
export function stickyCheck(world: World, report: Report): Check {
  return {
    unit: ({ workload, items }) => {
      if (workload === undefined) return;
      for (const item of items) {
        const { step, shape } = item;
        if (step.class === 'dataLoss') report('dataLoss', step.id, `${step.instance} would lose its data`);
        if (workload.type === 'stateless' || !shape.makes || step.replaces === undefined) continue;
        checkPlace(workload, item, step.replaces, report);
        if (item.old !== undefined) checkData(world, step, item.old, report);
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

/** A volume that git took away is deleted with the old incarnation where it says so. */
function checkData({ inputs }: World, step: Step, old: Allocation, report: Report): void {
  const before = inputs.recorded.revisions.get(old.revision)?.volumes ?? [];
  for (const { name } of old.holds.volumes ?? []) {
    if (step.holds.volumes?.some((volume) => volume.name === name) === true) continue;
    if (before.find((volume) => volume.name === name)?.onRemove !== 'delete') continue;
    report('dataLoss', step.id, `${step.instance} would lose volume ${name}, which is deleted with ${old.id}`);
  }
}
