/**
 * `MUSTER_FAILPOINT=journal:N` kills this process with SIGKILL right after its Nth journal record is written: how the
 * crash tests reach every point of a run in the real binary. Documented in CONTRIBUTING.md; without the variable it is
 * one comparison a record.
 */
const crashAfterRecords = parseFailpoint(process.env['MUSTER_FAILPOINT']);
let records = 0;

export function afterJournalRecord(): void {
  if (crashAfterRecords === undefined) return;
  records += 1;
  if (records === crashAfterRecords) process.kill(process.pid, 'SIGKILL');
}

function parseFailpoint(text: string | undefined): number | undefined {
  const match = /^journal:(\d+)$/.exec(text ?? '');
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
