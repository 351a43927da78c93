import type { DesiredWorkload } from '../model/desired.ts';
import type { DockerOptions } from '../model/docker-options.ts';
import type { Declared } from './normalise.ts';
import { escapePointer } from './pointer.ts';
import type { Problem } from './problem.ts';
import type { Workload } from './schema-types.generated.ts';

type Block = NonNullable<Workload['spec']['docker']>;

/** What of a `docker` block does not go together, with itself or with the rest of its workload. */
export function checkDocker({ item, document }: Declared<DesiredWorkload>): readonly Problem[] {
  const { spec } = document.value as unknown as Workload;
  const { revision } = item;
  if (revision.engine !== 'docker' || spec.docker === undefined) return [];
  const options: DockerOptions = revision.options ?? {};
  const found = [
    ...bothWays(spec.docker),
    ...mounts(spec),
    ...devices(spec.docker),
    ...secrets(spec.docker),
    ...(options.swapBytes !== undefined && revision.limits.memoryBytes === 'unlimited' ? [swapWithoutLimit] : []),
  ];
  return found.map(({ first, ...problem }) => ({
    document,
    code: 'MUS1320',
    ...problem,
    ...(first !== undefined && { related: { document, pointer: first, message: 'the first one' } }),
  }));
}

type Finding = Omit<Problem, 'document' | 'code' | 'related'> & { readonly code?: string; readonly first?: string };

const swapWithoutLimit: Finding = {
  pointer: '/spec/docker/swap',
  message: 'swap is what may be used beyond the memory limit, and there is none',
  hint: 'set limits.memory (or resources.memory), or remove swap',
};

function bothWays({ capabilities }: Block): readonly Finding[] {
  const dropped = new Set(capabilities?.drop);
  return (capabilities?.add ?? []).flatMap((name, index) =>
    dropped.has(name)
      ? [
          {
            pointer: `/spec/docker/capabilities/add/${index}`,
            message: 'this capability is given and taken away',
            found: name,
            hint: 'remove it from add or from drop',
          },
        ]
      : [],
  );
}

/** Volumes among themselves are looked at with the volumes. */
function mounts({ docker, volumes = [] }: Workload['spec']): readonly Finding[] {
  const first = new Map(volumes.map(({ mount }, index) => [mount, `/spec/volumes/${index}/mount`]));
  return (docker?.tmpfs ?? []).flatMap(({ mount, size }, index): readonly Finding[] => {
    const pointer = `/spec/docker/tmpfs/${index}`;
    const before = first.get(mount);
    if (before === undefined) first.set(mount, `${pointer}/mount`);
    return [
      ...(before === undefined
        ? []
        : [
            {
              code: 'MUS1323',
              pointer: `${pointer}/mount`,
              message: 'something else is mounted there',
              found: mount,
              first: before,
            },
          ]),
      ...(size === 0 || size === '0'
        ? [{ pointer: `${pointer}/size`, message: 'nothing fits into it', hint: 'give it a size, or remove it' }]
        : []),
    ];
  });
}

function devices({ devices = [] }: Block): readonly Finding[] {
  const first = new Map<string, string>();
  return devices.flatMap(({ path, as }, index): readonly Finding[] => {
    const inside = as ?? path;
    const pointer = `/spec/docker/devices/${index}/${as === undefined ? 'path' : 'as'}`;
    const before = first.get(inside);
    if (before === undefined) {
      first.set(inside, pointer);
      return [];
    }
    return [{ pointer, message: 'two devices have the same path in the container', found: inside, first: before }];
  });
}

/** Options of a log driver are in git, in the store, and in what docker shows of a container. */
function secrets({ logging }: Block): readonly Finding[] {
  return Object.entries(logging?.options ?? {}).flatMap(([name, value]): readonly Finding[] => {
    const isSecret =
      /token|passw|secret|credential/i.test(name) || /^[a-z][a-z0-9+.-]*:\/\/[^/]*:[^/]*@/i.test(`${value}`);
    if (!isSecret) return [];
    return [
      {
        code: 'MUS1335',
        pointer: `/spec/docker/logging/options/${escapePointer(name)}`,
        target: 'key',
        message: `the log option ${name} would be read by everybody who can read git or ask docker`,
        hint: 'set it as "log-opts" in /etc/docker/daemon.json of the nodes, and leave it out here',
      },
    ];
  });
}
