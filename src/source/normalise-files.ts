import type { RevisionFile } from '../model/revision.ts';
import type { Workload } from './schema-types.generated.ts';

/** Sorted by path; undefined where there are none, so that an empty list is no other revision than none. */
export function toFiles(files: Workload['spec']['files'] = []): readonly RevisionFile[] | undefined {
  if (files.length === 0) return undefined;
  return files
    .map(({ path, content, mode = '0644', owner = '0:0' }): RevisionFile => {
      const [uid = 0, gid = 0] = owner.split(':').map(Number);
      return { name: path, content, mode, uid, gid };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
