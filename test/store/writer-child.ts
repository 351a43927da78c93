import { openStore } from '../../src/store/open.ts';

/** Writes pairs of keys to the store at argv[2] until it is killed, and prints the number of each that was acknowledged. */
const store = await openStore({
  location: { kind: 'embedded', path: process.argv[2] ?? '' },
  cluster: 'c',
  mode: 'write',
});
const lease = await store.lease({ ttlMs: 60_000 });
await store.txn({ compares: [], operations: [{ kind: 'put', key: 'held', value: '', lease }] });
for (let number = 0; number < 1_000_000; number += 1) {
  const key = `n${process.pid}/${String(number).padStart(8, '0')}`;
  await store.txn({
    compares: [],
    operations: [
      { kind: 'put', key: `${key}/left`, value: String(number) },
      { kind: 'put', key: `${key}/right`, value: String(number) },
    ],
  });
  process.stdout.write(`${number}\n`);
}
