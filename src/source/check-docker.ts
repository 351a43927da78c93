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
    ...networks(spec),
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

function networks(spec: Workload['spec']): readonly Finding[] {
  const { docker, network, ports = [] } = spec;
  const pointer = '/spec/docker/network';
  const own = docker?.network;
  if (own === undefined) return [];
  const both = network !== undefined && {
    pointer,
    message: `an address in the network ${network.name} and docker.network contradict each other`,
    found: own,
    hint: 'remove one of the two',
  };
  const unreachable = ports.flatMap(({ publish }, index): readonly Finding[] => {
    const at = `/spec/ports/${index}/publish`;
    if (own === 'none' && publish !== undefined && publish !== 'none')
      return [{ pointer: at, message: 'without a network nothing can be published', hint: 'remove publish' }];
    if (own === 'host' && publish === 'none')
      return [
        {
          pointer: at,
          message: 'on the host’s network every port is one of the node',
          hint: 'remove publish, or use a number, or `auto`; what listens on loopback alone does not belong into ports',
        },
      ];
    return [];
  });
  return [...(both ? [both] : []), ...unreachable, ...(own === 'host' ? onHost(spec) : [])];
}

/** What only shows on the host's network: its kernel parameters are the node's, and a port is there once. */
function onHost({ docker, ports = [], placement }: Workload['spec']): readonly Finding[] {
  const sysctls = Object.keys(docker?.sysctls ?? {}).filter((name) => name.startsWith('net.'));
  const perNode = placement?.perNode ?? 1;
  const fixed = ports.findIndex(({ publish }) => publish === undefined);
  return [
    ...sysctls.map((name) => ({
      pointer: `/spec/docker/sysctls/${escapePointer(name)}`,
      target: 'key' as const,
      message: `${name} would be the node’s own: a container on the host’s network has none`,
      hint: 'remove it, or use another network',
    })),
    ...(perNode > 1 && fixed !== -1
      ? [
          {
            code: 'MUS1311',
            pointer: `/spec/ports/${fixed}`,
            message: `on the host’s network port ${ports[fixed]?.port} is there once on a node, and placement.perNode asks for ${perNode}`,
            hint: 'use `publish: auto`, and let the program listen on PORT_<NAME>',
          },
        ]
      : []),
  ];
}

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
