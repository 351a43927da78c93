import { get } from 'node:http';
import { CliError, exitCodes } from '../exit.ts';
import { runningPid, type Stage } from './stage.ts';

const applyNow = ['apply', '--auto-approve'] as const;

/** The main job, told by running it: every command is the real one, every process a real one. */
export async function playStory(stage: Stage): Promise<void> {
  await firstApply(stage);
  await rollingUpdate(stage);
  await whatIf(stage);
  await killedInstance(stage);
  await brokenRevision(stage);
  await tooMuch(stage);
  await killedMuster(stage);
  await nothingLeftToDo(stage);
}

async function firstApply(stage: Stage): Promise<void> {
  stage.heading('A git repository declares a cluster');
  stage.say('Three small nodes on this machine, two HTTP services and a daemon, a quota: YAML in git.\n');
  await stage.muster(['plan'], { expect: exitCodes.ok, show: 'all' });
  stage.heading('Apply it: real processes, real health checks');
  await stage.muster(applyNow, { expect: exitCodes.ok, show: 'brief' });
  await stage.muster(['status'], { expect: exitCodes.ok, show: 'all' });
  await ask(stage);
}

async function rollingUpdate(stage: Stage): Promise<void> {
  stage.heading('A commit: new revision, more replicas, a larger quota');
  await stage.commit('web: version 2, five replicas', {
    'workloads/web.yaml': (text) => text.replace('VERSION: "1"', 'VERSION: "2"').replace('replicas: 3', 'replicas: 5'),
    'quotas/shop.yaml': (text) => text.replace(/instances: \d+/, 'instances: 24'),
  });
  await stage.muster(['plan'], { expect: exitCodes.ok, show: 'all' });
  stage.say('One instance first, then the others, each healthy before the next; never fewer than three serve.\n');
  await stage.muster(applyNow, { expect: exitCodes.ok, show: 'all' });
  await ask(stage);
}

async function whatIf(stage: Stage): Promise<void> {
  stage.heading('What if a node dies? Why is something where it is?');
  await stage.muster(['simulate', '--any', '1'], { expect: exitCodes.ok, show: 'all' });
  await stage.muster(['explain', 'shop/web/1'], { expect: exitCodes.ok, show: 'all' });
  stage.say('Both only ask the planner; nothing was touched.\n');
}

async function killedInstance(stage: Stage): Promise<void> {
  stage.heading('A process dies');
  const pid = runningPid(stage, 'quickstart.shop.web.1.');
  process.kill(pid, 'SIGKILL');
  stage.say(`$ kill -9 ${pid}      # shop/web/1\n`);
  await stage.muster(['status'], { expect: exitCodes.ok, show: 'all' });
  stage.say('Drift: recorded is not what is observed. The next apply heals it (`muster run` would have by itself).\n');
  await stage.muster(applyNow, { expect: exitCodes.ok, show: 'brief' });
}

async function brokenRevision(stage: Stage): Promise<void> {
  stage.heading('A broken revision is merged');
  await stage.commit('web: version 3, which never gets healthy', {
    'workloads/web.yaml': (text) =>
      text
        .replace('VERSION: "2"', 'VERSION: "3"')
        .replace('HEALTHY: "yes"', 'HEALTHY: "no"')
        .replace('healthyDeadline: 5s', 'healthyDeadline: 2s'),
  });
  await stage.muster(applyNow, { expect: exitCodes.rolledBack, show: 'brief' });
  stage.say('The first instance failed its health gate, and the rollout was undone. Version 2 serves on:\n');
  await ask(stage);
  stage.say('The failed revision is remembered: it is not tried again until git changes.\n');
  await stage.muster(['plan'], { expect: exitCodes.ok, show: 'brief' });
  await stage.revert();
}

async function tooMuch(stage: Stage): Promise<void> {
  stage.heading('More is asked for than there is');
  await stage.commit('report: needs 2 GiB on one node', {
    'workloads/report.yaml': () => report,
    'quotas/shop.yaml': (text) => text.replace('memory: 2560MiB', 'memory: 8GiB'),
  });
  await stage.muster(['plan'], { expect: exitCodes.refused, show: 'all' });
  await stage.muster(['explain', 'shop/report/0'], { expect: exitCodes.ok, show: 'all' });
  stage.say('Refused, with the nearest miss; everything else would still be done.\n');
  await stage.revert();
}

async function killedMuster(stage: Stage): Promise<void> {
  stage.heading('Muster itself dies in the middle of a rollout');
  await stage.commit('web: version 4', {
    'workloads/web.yaml': (text) => text.replace('VERSION: "2"', 'VERSION: "4"'),
  });
  await stage.killDuringApply(/wave 3 of/);
  stage.say('Whatever served goes on serving. The next run reads the journal and finishes:\n');
  await stage.muster(applyNow, { expect: exitCodes.ok, show: 'all' });
  await ask(stage);
}

async function nothingLeftToDo(stage: Stage): Promise<void> {
  stage.heading('Everything is as git declares it');
  await stage.muster(['plan'], { expect: exitCodes.ok, show: 'all' });
  await stage.muster(['history'], { expect: exitCodes.ok, show: 'all' });
}

/** Takes everything down the way an operator would: by a commit that says so. */
export async function cleanUp(stage: Stage): Promise<void> {
  stage.heading('Clean up');
  const gone = (): string => '';
  await stage.commit('the shop closes', {
    'workloads/web.yaml': gone,
    'workloads/api.yaml': gone,
    'workloads/heartbeat.yaml': gone,
    'closing.yaml': () => closing,
  });
  await stage.muster(applyNow, { expect: exitCodes.ok, show: 'brief' });
}

const report = `apiVersion: muster/v1
kind: Workload
metadata: {name: report, namespace: shop}
spec:
  engine: process
  command: [sleep, infinity]
  replicas: 2
  resources: {cpu: 100m, memory: 2GiB}
`;

const closing = `# Removing every workload at once looks like a mistake, and is refused unless it is declared.
apiVersion: muster/v1
kind: Refactor
metadata: {name: closing}
spec: {removed: [{from: shop/web}, {from: shop/api}, {from: shop/heartbeat}]}
`;

/** Asks every web instance what it is, as a user of the service would. */
async function ask(stage: Stage): Promise<void> {
  const status = await stage.query(['status', '-o', 'json']);
  const { workloads } = JSON.parse(status) as {
    readonly workloads: readonly {
      readonly id: string;
      readonly instances: readonly { readonly observed: string; readonly endpoints: readonly string[] }[];
    }[];
  };
  const web = workloads.find(({ id }) => id === 'shop/web');
  const urls = (web?.instances ?? []).flatMap(({ observed, endpoints }) =>
    observed === 'running' ? endpoints.map((endpoint) => `http://${endpoint.replace(/^\S+ /, '')}/`) : [],
  );
  if (urls.length === 0) throw new CliError('the demo found no running web instance');
  for (const url of urls) stage.say(`  ${url}  →  ${(await fetchText(url)).trim()}`);
  stage.say('');
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, timeout: 2_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}
