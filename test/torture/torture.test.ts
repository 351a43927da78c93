import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needsDocker, needsPrivateDockerd } from '../bed/docker.ts';
import { needsEtcd } from '../bed/etcd.ts';
import { needsNetworks } from '../bed/network.ts';
import { faults } from './faults.ts';
import { inject } from './inject.ts';

const common = { ...needsEtcd(), ...(await needsDocker()) };
const needs = { network: needsNetworks(), dockerd: await needsPrivateDockerd() };

/** A moment of each kind. `npm run torture` does it again and again, at others. */
describe('what breaks a cluster, done to real components', { ...common, concurrency: 5 }, () => {
  for (const fault of faults.filter(({ times }) => times.quick > 0)) {
    test(fault.what, fault.needs === undefined ? {} : needs[fault.needs], async (t) => {
      const seed = Math.floor(Math.random() * 1_000_000);
      t.diagnostic(`again: npm run torture -- --only ${fault.id} --seed ${seed}`);
      const { injected, lost, doubled, wrong } = await inject(fault, {
        times: fault.times.quick,
        seed,
        say: (text) => t.diagnostic(text),
      });
      assert.deepEqual(
        { injected, lost, doubled, wrong },
        { injected: fault.times.quick, lost: 0, doubled: 0, wrong: [] },
      );
    });
  }
});
