import { testImages } from '../bed/docker.ts';
import { type DockerCluster, instancesOf, server } from '../e2e/containers.ts';

/** Two worlds; going from one to the other is a plan of ten steps: creates, replacements, updates in place, removals. */
const worlds = [
  { image: testImages.first, left: 4, right: 1, memory: '16MiB' },
  { image: testImages.second, left: 1, right: 4, memory: '32MiB' },
] as const;

const ported = ['ports: [{name: http, port: 8080, publish: auto}]'];

/** Every second turn is the same world. */
export function filesAt(turn: number): Readonly<Record<string, string>> {
  const { image, left, right, memory } = worldAt(turn);
  return {
    'left.yaml': server({ name: 'left', replicas: left, extra: ported }),
    'right.yaml': server({ name: 'right', replicas: right, extra: ported }),
    'roll.yaml': server({ name: 'roll', replicas: 2, image }),
    'tune.yaml': server({ name: 'tune', replicas: 2 }).replace('memory: 16MiB', `memory: ${memory}`),
  };
}

export function instancesAt(turn: number): readonly string[] {
  const { left, right } = worldAt(turn);
  return [
    ...instancesOf('default/left', left),
    ...instancesOf('default/right', right),
    ...instancesOf('default/roll', 2),
    ...instancesOf('default/tune', 2),
  ];
}

export const turnTo = (cluster: DockerCluster, turn: number): void =>
  void cluster.commit(Object.fromEntries(Object.entries(filesAt(turn)).map(([file, text]) => [file, () => text])));

const worldAt = (turn: number) => worlds[turn % 2 === 0 ? 0 : 1];

/** A rollout in waves of one, each watched for a second: there is time for a fault to come between. */
export const slowRollout = (version: number, replicas = 3): string =>
  server({
    name: 'web',
    replicas,
    version: String(version),
    update: '{groups: [1, 100%], observe: 1s, healthyDeadline: 60s}',
    extra: ported,
  });

export const slowInstances = instancesOf('default/web', 3);
