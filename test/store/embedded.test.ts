import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/open.ts';
import { storeContract } from '../contract/store.ts';

storeContract('embedded', {}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-store-'));
  const path = join(directory, '.muster');
  return {
    open: (cluster, mode) => openStore({ location: { kind: 'embedded', path }, cluster, mode }),
    // Its log is bounded: enough bytes push the rest out.
    async compact(store) {
      const value = 'x'.repeat(1_000_000);
      for (let index = 0; index < 70; index += 1)
        await store.txn({ compares: [], operations: [{ kind: 'put', key: 'fill', value }] });
    },
    leaseTtlMs: 3_000,
    cleanUp: async () => rmSync(directory, { recursive: true, force: true }),
  };
});
