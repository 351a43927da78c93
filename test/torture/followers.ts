import type { Running } from '../e2e/cli.ts';
import type { DockerCluster } from '../e2e/containers.ts';
import { slowRollout } from './worlds.ts';

/** A `muster run`, and how often its log says something. */
export interface Follower {
  readonly running: Running;
  /** Log lines whose message begins so. */
  told(message: string): number;
}

export function follow(cluster: DockerCluster, within: readonly string[] = []): Follower {
  const running = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '300ms'], {}, within);
  return { running, told: (message) => running.output().stdout.split(`"msg":"${message}`).length - 1 };
}

/** Declares the next version of the workload that is rolled out slowly. */
export const rollOut = (cluster: DockerCluster, version: number): void =>
  void cluster.commit({ 'web.yaml': () => slowRollout(version) });
