/** More than any machine has. */
const mostCore = 65_535;

/** Nodes are alike, so that a plan of a hundred thousand bound instances has a few hundred texts. */
const known = new Map<string, readonly number[] | undefined>();
const mostKnown = 10_000;

/** Cores of a list as the kernel writes it (`0-1,4`), ascending; undefined when it is not written so. */
export function parseCpuset(text: string): readonly number[] | undefined {
  const before = known.get(text);
  if (before !== undefined) return before;
  const cores = coresIn(text);
  if (known.size === mostKnown) known.clear();
  known.set(text, cores);
  return cores;
}

function coresIn(text: string): readonly number[] | undefined {
  const cores: number[] = [];
  let next = 0;
  for (let at = 0; at <= text.length; ) {
    const first = numberAt(text, at);
    if (first === undefined || first.value < next) return undefined;
    const last = text[first.end] === '-' ? numberAt(text, first.end + 1) : first;
    if (last === undefined || last.value < first.value || last.value > mostCore) return undefined;
    if (last.end < text.length && text[last.end] !== ',') return undefined;
    for (let core = first.value; core <= last.value; core += 1) cores.push(core);
    next = last.value + 1;
    at = last.end + 1;
  }
  return cores;
}

/** One to five digits, and where they end. */
function numberAt(text: string, start: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  let end = start;
  for (; end < text.length && end < start + 6; end += 1) {
    const digit = text.charCodeAt(end) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return end === start || end === start + 6 ? undefined : { value, end };
}
