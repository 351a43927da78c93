import type { DockerCluster } from '../e2e/containers.ts';
import type { Random } from '../sim/random.ts';
import { atRest, type Rest } from './rest.ts';

/** One way in which real components fail, done to the real binary again and again. */
export interface Fault {
  /** One word, for `--only`. */
  readonly id: string;
  /** As the table calls it. */
  readonly what: string;
  /** How often it is injected in a whole run, and in the quick one of CI; 0: not in that. */
  readonly times: { readonly whole: number; readonly quick: number };
  /** What it needs beyond etcd and Docker. */
  readonly needs?: 'network' | 'dockerd';
  inject(torture: Torture): Promise<void>;
}

/** What a fault is given, and where it writes down what it saw. */
export interface Torture {
  readonly times: number;
  readonly random: Random;
  /** Runs when the fault has been dealt with, last first. */
  after(clean: () => void | Promise<void>): void;
  /** Progress, for whoever watches. */
  say(text: string): void;
  readonly findings: Findings;
}

export interface Findings {
  injected: number;
  lost: number;
  doubled: number;
  /** Anything else that should not be: each is a fault of Muster's. */
  readonly wrong: string[];
  /** What was seen to hold, for the table; a list per measure. */
  readonly took: Map<string, number[]>;
  readonly counted: Map<string, number>;
}

export const noFindings = (): Findings => ({
  injected: 0,
  lost: 0,
  doubled: 0,
  wrong: [],
  took: new Map(),
  counted: new Map(),
});

/** After each fault: brings the cluster to rest, and adds up what is missing and what is there twice. */
export async function settle(
  { findings, say }: Torture,
  cluster: DockerCluster,
  wanted: { readonly instances: readonly string[]; readonly by: 'apply' | 'run'; readonly what: string },
): Promise<Rest> {
  const rest = await atRest(cluster, wanted);
  findings.injected += 1;
  findings.lost += rest.lost.length;
  findings.doubled += rest.doubled.length;
  const bad = [
    ...rest.lost.map((one) => `lost: ${one}`),
    ...rest.doubled.map((one) => `doubled: ${one}`),
    ...rest.wrong,
  ];
  for (const text of bad) findings.wrong.push(`${wanted.what}: ${text}`);
  say(`${wanted.what}: ${bad.length === 0 ? 'at rest, nothing lost, nothing doubled' : bad.join('; ')}`);
  return rest;
}

export const count = ({ findings }: Torture, what: string): void =>
  void findings.counted.set(what, (findings.counted.get(what) ?? 0) + 1);

export function took({ findings }: Torture, what: string, ms: number): void {
  const known = findings.took.get(what);
  if (known === undefined) findings.took.set(what, [ms]);
  else known.push(ms);
}

export function wrong({ findings, say }: Torture, text: string): void {
  findings.wrong.push(text);
  say(`WRONG: ${text}`);
}
