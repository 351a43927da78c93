import { parseCpuList } from '../../../src/model/cpu-list.ts';
import type { Observer, World } from '../world.ts';
import type { Mirror, Placed } from './mirror.ts';

/** No two have the same port, address or core; no instance runs twice but while it is replaced, and then only where it may. */
export function unique({ violated, story }: World, mirror: Mirror): Observer {
  const single = new Set(story.workloads.filter(({ shape }) => shape === 'store').map(({ name }) => `default/${name}`));
  const check = (): void => {
    const holders = new Map<string, string>();
    const byInstance = new Map<string, Placed[]>();
    for (const placed of mirror.objects()) {
      if (placed.object.state !== 'running') continue;
      byInstance.set(placed.instance, [...(byInstance.get(placed.instance) ?? []), placed]);
      for (const piece of piecesOf(placed)) {
        const other = holders.get(piece);
        if (other !== undefined) violated('unique', `${piece} is held by ${other} and ${placed.allocation}`);
        holders.set(piece, placed.allocation);
      }
      if (!mirror.allocations.has(placed.allocation))
        violated('nothing runs unrecorded', `${placed.allocation} runs on ${placed.node}, and is recorded nowhere`);
    }
    for (const [instance, running] of byInstance) {
      if (running.length === 1) continue;
      const names = running.map(({ allocation, node }) => `${allocation} on ${node}`).join(', ');
      const [{ workload }] = running as [Placed];
      const isLeft = mirror.abandoned.has(workload);
      const isChanged = [...mirror.units.values()].some(
        ({ unit, state }) => (unit as string) === workload && state !== 'done' && state !== 'undone',
      );
      // What was left runs on until the next plan has made what git asks for.
      if (running.length > (isLeft ? 3 : 2) || single.has(workload) || !(isChanged || isLeft))
        violated('runs once', `${instance} runs ${running.length} times: ${names}`);
    }
  };
  return { check };
}

function piecesOf({ node, object }: Placed): readonly string[] {
  const { ports = {}, ip, cpuset, cpuFragments = {} } = object.holds;
  const whole =
    cpuset === undefined ? [] : (parseCpuList(cpuset) ?? []).filter((core) => cpuFragments[core] === undefined);
  return [
    ...Object.values(ports).map((port) => `port ${port} of ${node}`),
    ...(ip === undefined ? [] : [`address ${ip}`]),
    ...whole.map((core) => `core ${core} of ${node}`),
  ];
}
