import { randomOf } from '../sim/random.ts';
import { type Fault, type Findings, noFindings } from './fault.ts';

export interface Injected {
  readonly fault: Fault;
  readonly findings: Findings;
}

/** Injects one fault so many times; what it made is gone afterwards, however it ends. */
export async function inject(
  fault: Fault,
  options: { readonly times: number; readonly seed: number; readonly say: (text: string) => void },
): Promise<Findings> {
  const findings = noFindings();
  const cleaning: (() => void | Promise<void>)[] = [];
  const { times, seed, say } = options;
  try {
    await fault.inject({
      times,
      random: randomOf(seed, fault.id),
      findings,
      say,
      after: (clean) => cleaning.push(clean),
    });
  } catch (error) {
    findings.wrong.push(
      `the test itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  } finally {
    for (const clean of cleaning.reverse()) await clean();
  }
  return findings;
}
