import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { docker, dockerEndpoint, needsDocker } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import {
  assertConverged,
  type Container,
  type DockerCluster,
  inspect,
  instancesOf,
  makeDockerCluster,
  server,
} from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };
const runWords = ['run', '--listen', '127.0.0.1:0', '--interval', '300ms'];
const inWaves = '{groups: [1, 100%], observe: 0s, healthyDeadline: 60s}';

/** What `muster run` does while something is under way: on a real daemon, through the real command line. */
describe('passes of muster run over Docker while a unit is under way', { ...needs, concurrency: 2 }, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  test('a newer commit takes a slow rollout over when its wave is through; the rest is never made at the revision between', async (t) => {
    const cluster = await makeDockerCluster(t, { etcd, source: 'git', files: { 'web.yaml': web('1') } });
    const running = cluster.start(runWords);
    await runsAt(cluster, '1', 3);
    cluster.commit({ 'web.yaml': () => gated(web('2')) });
    await until('its first wave waits at the gate', async () =>
      (await versionsOf(cluster)).includes('default/web/0 2'),
    );
    const commit = cluster.commit({ 'web.yaml': () => web('3'), 'other.yaml': () => other });
    await until('the leader follows it', async () => (await versionsOf(cluster)).includes('default/other/0 1'));
    const plan = await cluster.muster(['plan']);
    assert.match(unwrapped(plan.stdout), takesOver(commit), 'plan says what will become of it');
    await openGates(cluster);

    const seen = new Set<string>();
    await until('all are of the third version', async () => {
      const versions = await versionsOf(cluster);
      for (const version of versions) seen.add(version);
      return versions.filter((line) => line.endsWith(' 3')).length === 3;
    });
    assert.ok(!seen.has('default/web/1 2') && !seen.has('default/web/2 2'), [...seen].join());
    await until('it is at rest', async () => (await unitsOf(cluster)).length === 0);
    const history = await succeeds(cluster, ['history']);
    assert.match(unwrapped(history), new RegExp(`superseded by config ${commit.slice(0, 7)} after 1 wave`));
    await assertConverged(cluster, [...instancesOf('default/web', 3), 'default/other/0']);
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0, running.output().stderr);
  });

  test('a paused unit holds nobody up, and nobody takes the room that its way back needs', async (t) => {
    const files = { 'web.yaml': sized({ name: 'web', replicas: 2, memory: '1536MiB' }) };
    const cluster = await makeDockerCluster(t, { etcd, source: 'git', files });
    const running = cluster.start(runWords);
    await runsAt(cluster, '1', 2);
    cluster.commit({ 'web.yaml': () => gated(sized({ name: 'web', replicas: 2, memory: '256MiB', version: '2' })) });
    await until('its first instance waits at the gate', async () =>
      (await versionsOf(cluster)).includes('default/web/0 2'),
    );
    const [unit] = await unitsOf(cluster);
    await succeeds(cluster, ['runs', 'pause', unit?.run ?? '', '--reason', 'looking at it']);
    await openGates(cluster);
    await until('it is paused', async () => (await unitsOf(cluster))[0]?.state === 'paused');

    // 1.75 GiB of 4 GiB are in use, and 3.25 GiB should the unit be undone.
    cluster.commit({
      'small.yaml': () => sized({ name: 'small', replicas: 1, memory: '64MiB' }),
      'large.yaml': () => sized({ name: 'large', replicas: 1, memory: '1280MiB' }),
    });
    await until('what fits beside it is made', async () => (await versionsOf(cluster)).includes('default/small/0 1'));
    const refused = await cluster.muster(['plan', '--detailed-exitcode']);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.match(
      unwrapped(refused.stdout),
      /default\/large: 1 of 1 instance does not fit: .*room kept for default\/web, which is paused, to go on or to be undone/,
    );
    const small = (await cluster.containers()).find(({ instance }) => instance === 'default/small/0');
    await docker(dockerEndpoint, 'kill', small?.id ?? '');
    await until('what dies meanwhile comes back', async () =>
      (await cluster.containers()).some(
        ({ instance, id, state }) => instance === 'default/small/0' && id !== small?.id && state === 'running',
      ),
    );
    assert.equal((await unitsOf(cluster))[0]?.state, 'paused');
    assert.ok(!(await versionsOf(cluster)).includes('default/large/0 1'));

    await succeeds(cluster, ['runs', 'resume', unit?.run ?? '']);
    await until('the rollout goes on to its end', async () => {
      await openGates(cluster);
      return (await versionsOf(cluster)).filter((line) => /web\/\d 2$/.test(line)).length === 2;
    });
    await until('what waited for its room is made', async () =>
      (await versionsOf(cluster)).includes('default/large/0 1'),
    );
    await until('it is at rest', async () => (await unitsOf(cluster)).length === 0);
    await assertConverged(cluster, [...instancesOf('default/web', 2), 'default/small/0', 'default/large/0']);
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0, running.output().stderr);
  });
});

const web = (version: string): string => server({ name: 'web', replicas: 3, version, update: inWaves });

const other = server({ name: 'other', replicas: 1 });

const sized = (options: Parameters<typeof server>[0] & { readonly memory: string }): string =>
  server({ ...options, update: inWaves }).replace('memory: 16MiB', `memory: ${options.memory}`);

/** Each instance waits at its gate until `/go` is there. */
const gated = (workload: string): string =>
  `${workload}  health: {exec: {command: [test, -e, /go]}, interval: 200ms, timeout: 20s, healthyAfter: 1}\n`;

const opened = new Set<string>();

async function openGates(cluster: DockerCluster): Promise<void> {
  for (const container of await cluster.containers()) {
    if (opened.has(container.id) || (await versionOf(container)) !== '2') continue;
    await docker(dockerEndpoint, 'exec', container.id, 'touch', '/go');
    opened.add(container.id);
  }
}

const takesOver = (commit: string): RegExp =>
  new RegExp(`git has changed it since: config ${commit.slice(0, 7)} takes over when the wave under way is through`);

const runsAt = (cluster: DockerCluster, version: string, replicas: number): Promise<void> =>
  until(`version ${version} runs`, async () => {
    const versions = await versionsOf(cluster);
    const isAt = versions.length === replicas && versions.every((line) => line.endsWith(` ${version}`));
    return isAt && (await unitsOf(cluster)).length === 0;
  });

/** `default/web/0 2`: what runs, by what its environment says. */
async function versionsOf(cluster: DockerCluster): Promise<readonly string[]> {
  const running = (await cluster.containers()).filter(({ state }) => state === 'running');
  return Promise.all(running.map(async (container) => `${container.instance} ${await versionOf(container)}`));
}

const known = new Map<string, string>();

/** Nothing where it has been removed since it was listed. */
async function versionOf({ id }: Container): Promise<string> {
  const before = known.get(id);
  if (before !== undefined) return before;
  const found = await inspect(id).catch(() => undefined);
  const version = found?.Config.Env.find((line) => line.startsWith('VERSION='))?.slice('VERSION='.length) ?? '';
  known.set(id, version);
  return version;
}

async function unitsOf(cluster: DockerCluster): Promise<readonly { readonly run: string; readonly state: string }[]> {
  return JSON.parse(await succeeds(cluster, ['unit', 'list', '-o', 'json']));
}

async function succeeds(cluster: DockerCluster, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.muster(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');
