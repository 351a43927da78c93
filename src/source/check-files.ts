import type { DesiredWorkload } from '../model/desired.ts';
import { formatBytes } from '../model/units.ts';
import type { Declared } from './normalise.ts';
import type { Problem } from './problem.ts';
import type { Workload } from './schema-types.generated.ts';

/** They are part of the revision, which the store keeps as one value. */
const mostBytes = 128 * 1024;

/** Files that would not be seen where they are put, or would be put on the node instead; and too many of them. */
export function checkFiles({ document }: Declared<DesiredWorkload>): readonly Problem[] {
  const { spec } = document.value as unknown as Workload;
  const { files = [] } = spec;
  const problem = (pointer: string, rest: Pick<Problem, 'message'> & Partial<Problem>): Problem => ({
    document,
    code: 'MUS1336',
    pointer,
    ...rest,
  });
  const bytes = files.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  return [
    ...(files.length > 0 && spec.docker?.readOnly === true
      ? [
          problem('/spec/docker/readOnly', {
            message: 'docker puts no files into a container whose root file system cannot be written',
            hint: 'remove readOnly or files',
          }),
        ]
      : []),
    ...(bytes > mostBytes
      ? [
          problem('/spec/files', {
            target: 'key',
            message: `the files of a workload are at most ${formatBytes(mostBytes)} together`,
            found: `${Math.ceil(bytes / 1024)}KiB`,
            hint: 'put large ones into the image or a volume',
          }),
        ]
      : []),
    ...files.flatMap(({ path }, index) => {
      const pointer = `/spec/files/${index}/path`;
      const first = files.findIndex((other) => other.path === path);
      const under = mountsOf(spec).find(({ mount }) => path === mount || path.startsWith(`${mount}/`));
      return [
        ...(first < index
          ? [
              problem(pointer, {
                message: 'two files have the same path',
                found: path,
                related: { document, pointer: `/spec/files/${first}/path`, message: 'the first one' },
              }),
            ]
          : []),
        ...(under === undefined
          ? []
          : [
              problem(pointer, {
                message: 'something is mounted there, which would hide the file',
                found: path,
                hint: 'choose a path outside of volumes and tmpfs',
                related: { document, pointer: under.pointer, message: 'the mount' },
              }),
            ]),
      ];
    }),
  ];
}

const mountsOf = ({ volumes = [], docker }: Workload['spec']) => [
  ...volumes.map(({ mount }, index) => ({ mount, pointer: `/spec/volumes/${index}/mount` })),
  ...(docker?.tmpfs ?? []).map(({ mount }, index) => ({ mount, pointer: `/spec/docker/tmpfs/${index}/mount` })),
];
