import { openStore } from '../../src/store/open.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { storeContract } from '../contract/store.ts';

for (const tls of [false, true]) {
  storeContract(tls ? 'etcd with TLS and client certificates' : 'etcd', needsEtcd(), async () => {
    const server = await startEtcd({ tls });
    const location = { kind: 'etcd', endpoints: [server.endpoint], prefix: '/muster' } as const;
    return {
      open: (cluster, mode) =>
        openStore({
          location,
          cluster,
          mode,
          ...(server.certificates && { credentials: { tls: server.certificates } }),
        }),
      async compact(store) {
        const { revision } = await store.range('');
        server.ctl('compaction', String(revision));
      },
      leaseTtlMs: 5_000,
      cleanUp: () => server.stop(),
    };
  });
}
