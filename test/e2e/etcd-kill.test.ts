import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needsDocker, testImages } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { applyNow, assertConverged, type DockerCluster, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };

/** Two worlds; going from one to the other is a plan of ten steps: creates, replacements, updates in place, removals. */
const worlds = [
  { image: testImages.first, left: 4, right: 1, memory: '16MiB' },
  { image: testImages.second, left: 1, right: 4, memory: '32MiB' },
] as const;
type World = (typeof worlds)[number];

const filesOf = ({ image, left, right, memory }: World): Readonly<Record<string, string>> => ({
  'left.yaml': server({ name: 'left', replicas: left }),
  'right.yaml': server({ name: 'right', replicas: right }),
  'roll.yaml': server({ name: 'roll', replicas: 2, image }),
  'tune.yaml': server({ name: 'tune', replicas: 2 }).replace('memory: 16MiB', `memory: ${memory}`),
});

const instancesIn = ({ left, right }: World): readonly string[] => [
  ...instancesOf('default/left', left),
  ...instancesOf('default/right', right),
  ...instancesOf('default/roll', 2),
  ...instancesOf('default/tune', 2),
];

/** Records spread over the run; test/e2e/kill.test.ts goes through every one, without Docker and etcd. */
const records = [1, 4, 11, 19, 30, 45];

describe('kill -9 of apply at records of its journal, on etcd and Docker', { ...needs, concurrency: 2 }, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  for (const lane of [0, 1]) {
    const own = records.filter((_, index) => index % 2 === lane);
    test(`records ${own.join(', ')}: the next apply finishes it, nothing is doubled and nothing lost`, async (t) => {
      const cluster = await makeDockerCluster(t, { etcd, files: filesOf(worlds[0]) });
      const first = await cluster.apply();
      assert.equal(first.code, 0, first.stderr);
      for (const [turn, record] of own.entries()) {
        const world = worlds[turn % 2 === 0 ? 1 : 0];
        cluster.commit(Object.fromEntries(Object.entries(filesOf(world)).map(([file, text]) => [file, () => text])));
        const died = await cluster.apply({ MUSTER_FAILPOINT: `journal:${record}` });
        assert.equal(died.code, null, `killed at record ${record}: ${died.stderr}`);
        // The lease of the dead runs out by itself.
        const next = await cluster.muster([...applyNow, '--lock-timeout', '60s']);
        assert.equal(next.code, 0, `after record ${record}: ${next.stderr}`);
        await assertConverged(cluster, instancesIn(world), `killed at record ${record}`);
        const images = (await cluster.containers()).filter(({ instance }) => instance.startsWith('default/roll/'));
        assert.deepEqual(new Set(images.map(({ image }) => image)), new Set([world.image]));
        assert.deepEqual(left(etcd, cluster), [], 'no journal and no lease is left');
      }
    });
  }
});

const left = (etcd: EtcdServer, cluster: DockerCluster): readonly string[] =>
  ['run/', 'leader'].flatMap((part) =>
    etcd
      .ctl('get', '--prefix', '--keys-only', `/muster/${cluster.name}/${part}`)
      .split('\n')
      .filter((line) => line !== ''),
  );
