import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterScope, objectName, type Whose } from '../engine.ts';
import { isMissing, readSpec, type Spec } from './folder.ts';

/** Folders that are being made or removed start with a dot, and are nobody's object. */
export const unfinishedPrefix = '.';

export interface StoredObject {
  readonly name: string;
  readonly folder: string;
  readonly spec: Spec;
}

/** Everything below a node's root: our cluster's objects, and names that are somebody else's. */
export function storedObjects(
  root: string,
  cluster: ClusterScope,
  whose: Whose,
): {
  readonly ours: readonly StoredObject[];
  readonly others: readonly { readonly name: string; readonly spec?: Spec }[];
} {
  const ours: StoredObject[] = [];
  const others: { readonly name: string; readonly spec?: Spec }[] = [];
  for (const name of entriesOf(root)) {
    const folder = join(root, name);
    const spec = readSpec(folder);
    if (spec !== undefined && belongs({ name, folder, spec }, cluster, whose)) ours.push({ name, folder, spec });
    else others.push({ name, ...(spec !== undefined && { spec }) });
  }
  return { ours, others };
}

const belongs = ({ name, spec }: StoredObject, cluster: ClusterScope, whose: Whose): boolean =>
  whose === 'uid' ? spec.cluster === cluster.uid : name === objectName(cluster.name, spec.allocation);

/** Our object of this id; undefined when it is gone. */
export const findObject = (root: string, cluster: ClusterScope, objectId: string): StoredObject | undefined =>
  storedObjects(root, cluster, 'uid').ours.find((object) => object.spec.objectId === objectId);

function entriesOf(root: string): readonly string[] {
  try {
    return readdirSync(root)
      .filter((name) => !name.startsWith(unfinishedPrefix))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
