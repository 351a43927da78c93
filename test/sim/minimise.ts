import type { Story } from './story.ts';

/** Stories tried at most: each takes about a tenth of a second. */
const maxTries = 400;

/**
 * The shortest story that still breaks the same promise: faults and changes are left out one after the other, then
 * processes, workloads, replicas and nodes, again and again until nothing more can go.
 */
export async function minimise(story: Story, breaks: (story: Story) => Promise<boolean>): Promise<Story> {
  let best = story;
  let tries = 0;
  const attempt = async (candidate: Story): Promise<boolean> => {
    tries += 1;
    if (tries > maxTries || !(await breaks(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let isSmaller = true; isSmaller && tries < maxTries; ) {
    isSmaller = false;
    for (const shorter of shorterOf) {
      // From the end, so that what is left keeps its place.
      for (let index = 20; index >= 0; index -= 1) {
        const candidate = shorter(best, index);
        if (candidate !== undefined && (await attempt(candidate))) isSmaller = true;
      }
    }
  }
  return best;
}

type Shorter = (story: Story, index: number) => Story | undefined;

const without = <T>(list: readonly T[], index: number): readonly T[] | undefined =>
  index < list.length ? list.filter((_, at) => at !== index) : undefined;

const shorterOf: readonly Shorter[] = [
  (story, index) => {
    const faults = without(story.faults, index);
    return faults && { ...story, faults };
  },
  (story, index) => {
    const changes = without(story.changes, index);
    return changes && { ...story, changes };
  },
  (story, index) => {
    const workloads = without(story.workloads, index);
    if (workloads === undefined || workloads.length === 0) return undefined;
    const names = new Set(workloads.map(({ name }) => name));
    return {
      ...story,
      workloads,
      changes: story.changes.filter((change) => !('workload' in change) || names.has(change.workload)),
    };
  },
  (story, index) => {
    const last = story.processes - 1;
    if (index > 0 || last < 1) return undefined;
    const faults = story.faults.filter(
      (fault) => !('process' in fault) || fault.process === 'leader' || (fault.process ?? 0) < last,
    );
    return { ...story, processes: last, faults };
  },
  (story, index) => {
    const nodes = without(story.nodes, index);
    if (nodes === undefined || nodes.length === 0) return undefined;
    const names = new Set(nodes.map(({ name }) => name));
    const isKnown = (event: object): boolean => !('node' in event) || names.has(String(event.node));
    return { ...story, nodes, changes: story.changes.filter(isKnown), faults: story.faults.filter(isKnown) };
  },
  (story, index) => {
    const workload = story.workloads[index];
    if (workload === undefined || workload.replicas < 2) return undefined;
    const fewer = { ...workload, replicas: workload.replicas - 1 };
    return { ...story, workloads: story.workloads.with(index, fewer) };
  },
  (story, index) => {
    if (index > 0) return undefined;
    const { quotaCpuMillis, ...rest } = story;
    return quotaCpuMillis === undefined ? undefined : rest;
  },
];
