import type { Observer, World } from '../world.ts';
import type { Mirror } from './mirror.ts';

/** What runs on a node, and what is recorded as living there, fits; so does the quota of its namespace. */
export function capacity({ story, violated }: World, mirror: Mirror): Observer {
  const check = (): void => {
    const used = new Map<string, number>();
    const running = new Set<string>();
    const runs = new Set<string>();
    const add = (node: string, millis: number): void => void used.set(node, (used.get(node) ?? 0) + millis);
    for (const { node, instance, object } of mirror.objects()) {
      if (object.state !== 'running') continue;
      running.add(`${instance} ${node}`);
      runs.add(instance);
      add(node, object.holds.cpuMillis);
    }
    // One that lives but does not run now is started again where it is; what stands in its place takes its room.
    const resting = new Map<string, { readonly node: string; readonly millis: number }>();
    for (const { instance, node, state, holds } of mirror.allocations.values()) {
      const place = `${instance} ${node}`;
      if (state !== 'live' || running.has(place)) continue;
      resting.set(place, { node, millis: Math.max(holds.cpuMillis, resting.get(place)?.millis ?? 0) });
    }
    for (const { node, millis } of resting.values()) add(node, millis);
    // A quota is for what serves: one that is made anew elsewhere is not counted twice.
    const doubled = [...resting].filter(([place]) => runs.has(place.slice(0, place.indexOf(' '))));
    let total = -doubled.reduce((sum, [, { millis }]) => sum + millis, 0);
    for (const { name, cpuMillis } of story.nodes) {
      const millis = used.get(name) ?? 0;
      total += millis;
      if (millis > cpuMillis)
        violated('capacity', `${name} has ${cpuMillis} m cpu, and ${millis} m are in use: ${who(name)}`);
    }
    const { quotaCpuMillis = Number.POSITIVE_INFINITY } = story;
    if (total > quotaCpuMillis) violated('quota', `${total} m cpu are in use, ${quotaCpuMillis} m are allowed`);
  };
  const who = (node: string): string =>
    [
      ...mirror
        .objects()
        .filter((placed) => placed.node === node)
        .map(({ allocation, object }) => `${allocation} ${object.state}`),
      ...[...mirror.allocations.values()]
        .filter((allocation) => allocation.node === node)
        .map(({ id, state }) => `${id} recorded ${state}`),
    ].join(', ');
  return { check };
}
