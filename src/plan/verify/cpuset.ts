/** More than any machine has. */
const mostCore = 65_535;

/** Cores of a list as the kernel writes it (`0-1,4`), ascending; undefined when it is not written so. */
export function parseCpuset(text: string): readonly number[] | undefined {
  const cores: number[] = [];
  for (const part of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    const previous = cores.at(-1) ?? -1;
    if (first <= previous || last < first || last > mostCore) return undefined;
    for (let core = first; core <= last; core++) cores.push(core);
  }
  return cores;
}
