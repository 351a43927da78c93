/** The most cores that a machine has in any list: Linux's largest CONFIG_NR_CPUS. */
const maxCores = 8192;

/** `0-3,8` → `[0, 1, 2, 3, 8]`, ascending; undefined for what is not a list of cores, or names one twice. */
export function parseCpuList(text: string): readonly number[] | undefined {
  const cores: number[] = [];
  for (const part of text.split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last >= maxCores) return undefined;
    for (let core = first; core <= last; core += 1) cores.push(core);
  }
  cores.sort((a, b) => a - b);
  return cores.some((core, index) => core === cores[index - 1]) ? undefined : cores;
}

/** Ascending cores → the shortest list, as the kernel writes it: `0-3,8`. */
export function formatCpuList(cores: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < cores.length; ) {
    let end = start;
    while (cores[end + 1] === (cores[end] as number) + 1) end += 1;
    parts.push(end === start ? `${cores[start]}` : `${cores[start]}-${cores[end]}`);
    start = end + 1;
  }
  return parts.join(',');
}
