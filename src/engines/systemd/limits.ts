import type { Revision } from '../../model/revision.ts';

/** Settings that systemd changes while a unit runs, as `systemctl set-property` and unit files write them. */
export function liveProperties({ limits, resources }: Revision): Readonly<Record<string, string>> {
  const { cpuMillis, memoryBytes } = limits;
  return {
    CPUQuota: cpuMillis === 'unlimited' ? '' : `${cpuMillis / 10}%`,
    CPUWeight: String(weightOf(resources.cpuMillis)),
    MemoryMax: memoryBytes === 'unlimited' ? 'infinity' : String(memoryBytes),
  };
}

/** The limits that systemd has in force, by pointer into the revision that they should come from. */
export function limitsInForce(
  shown: ReadonlyMap<string, string>,
  revision: Revision,
): Readonly<Record<string, number | 'unlimited'>> {
  const memory = shown.get('MemoryMax') ?? 'infinity';
  const quotaMicros = parseTimespan(shown.get('CPUQuotaPerSecUSec') ?? 'infinity');
  const weight = Number(shown.get('CPUWeight'));
  const { cpuMillis } = revision.resources;
  return {
    '/limits/memoryBytes': memory === 'infinity' ? 'unlimited' : Number(memory),
    '/limits/cpuMillis': quotaMicros === undefined ? 'unlimited' : Math.round(quotaMicros / 1000),
    // Several amounts share a weight: as long as it is theirs nothing else can be said.
    ...(Number.isInteger(weight) && {
      '/resources/cpuMillis': weight === weightOf(cpuMillis) ? cpuMillis : weight * millisPerWeight,
    }),
  };
}

/** systemd's default of 100 is one core, as docker's 1024 shares are. */
const millisPerWeight = 10;
const mostWeight = 10_000;

const weightOf = (cpuMillis: number): number =>
  Math.min(mostWeight, Math.max(1, Math.round(cpuMillis / millisPerWeight)));

/** `1min 2.5s` → microseconds; undefined for `infinity`. */
export function parseTimespan(text: string): number | undefined {
  if (text === 'infinity') return undefined;
  let micros = 0;
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)(us|ms|s|min|h|d)/g)) {
    micros += Number(amount) * (microsOf[unit] ?? 0);
  }
  return Math.round(micros);
}

const microsOf: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, min: 60e6, h: 3600e6, d: 86_400e6 };
