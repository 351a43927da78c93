import { parseAllocationId } from '../../model/ids.ts';
import type { RevisionVolume } from '../../model/revision.ts';
import type { SimObject, SimWorld } from './world.ts';

/** A file as the program of an object sees it; undefined when there is none. */
export function readFile(world: SimWorld, object: SimObject, path: string): string | undefined {
  const place = placeOf(world, object, path);
  return place.files.get(place.path);
}

/** As the program of an object would: false where its volume is read-only. */
export function writeFile(
  world: SimWorld,
  object: SimObject,
  file: { readonly path: string; readonly text: string },
): boolean {
  const place = placeOf(world, object, file.path);
  if (place.volume?.readOnly === true) return false;
  place.files.set(place.path, file.text);
  return true;
}

/** Forgets the data of volumes on devices, unless another object mounts them. */
export function erase(world: SimWorld, object: SimObject, names: readonly string[]): void {
  const others = [...world.objects.values()].filter((other) => other !== object);
  const mounted = new Set(
    others.flatMap((other) => (other.revision.volumes ?? []).map((volume) => volumeKey(other, volume))),
  );
  for (const volume of object.revision.volumes ?? []) {
    const onDevice = volume.source.kind === 'auto' || volume.source.kind === 'device';
    const key = volumeKey(object, volume);
    if (names.includes(volume.name) && onDevice && !mounted.has(key)) world.volumes.delete(key);
  }
}

/** Where a path of an object is kept: in the volume that it is below, or in the object itself. */
function placeOf(
  world: SimWorld,
  object: SimObject,
  path: string,
): { readonly files: Map<string, string>; readonly path: string; readonly volume: RevisionVolume | undefined } {
  const volume = (object.revision.volumes ?? []).find(({ mount }) => path.startsWith(`${mount}/`));
  if (volume === undefined) return { files: object.files, path, volume };
  const key = volumeKey(object, volume);
  const files = world.volumes.get(key) ?? new Map<string, string>();
  world.volumes.set(key, files);
  return { files, path: path.slice(volume.mount.length + 1), volume };
}

/** The same for every generation of an instance; shared where the node or the network brings it. */
function volumeKey({ request, holds }: SimObject, { name, source }: RevisionVolume): string {
  if (source.kind === 'host') return `host ${source.path}`;
  if (source.kind === 'network') return source.target;
  const { instance } = parseAllocationId(request.allocation);
  return `${holds.volumes?.find((held) => held.name === name)?.device ?? ''} ${instance} ${name}`;
}
