/**
 * Between half of a wait and all of it, according to who waits: what failed together does not come back together. Not
 * random, so that a simulation can repeat it.
 */
export function jittered(waitMs: number, who: string): number {
  // FNV-1a: neighbours in name end up far apart.
  let hash = 0x811c9dc5;
  for (let i = 0; i < who.length; i += 1) hash = Math.imul(hash ^ who.charCodeAt(i), 0x01000193);
  return Math.round(waitMs / 2 + ((hash >>> 0) / 2 ** 32) * (waitMs / 2));
}
