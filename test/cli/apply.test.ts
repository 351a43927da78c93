import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { muster, startMuster } from './muster.ts';
import { edit, processesOf, quickstart } from './processes.ts';

interface Status {
  readonly drift: number;
  readonly asDeclared: boolean;
  readonly workloads: readonly {
    readonly id: string;
    readonly healthy: number;
    readonly instances: readonly { readonly drift?: string; readonly endpoints: readonly string[] }[];
  }[];
}

describe('the main job through the command line', () => {
  test('plan → apply → status → change → drift → heal → failed rollout → refusal → saved plan', async (t) => {
    const cluster = await quickstart(t);
    const web = join(cluster, 'workloads/web.yaml');
    const status = async (): Promise<Status> =>
      JSON.parse((await muster(['status', cluster, '-o', 'json'])).stdout) as Status;

    const first = await muster(['apply', cluster, '--auto-approve']);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^Plan: 8 to create/m);
    assert.match(first.stderr, /^Applied: 3 workloads done/m);
    const running = await status();
    assert.equal(running.asDeclared, true);
    const [, address] =
      running.workloads.find(({ id }) => id === 'shop/web')?.instances[0]?.endpoints[0]?.split(' ') ?? [];
    assert.match(await (await fetch(`http://${address}/`)).text(), /^web 1 from shop\/web\/0 on n\d\n$/);

    const nothing = await muster(['plan', cluster, '--detailed-exitcode']);
    assert.match(nothing.stdout, /^No changes\./m);
    assert.equal(nothing.code, 0);

    await edit(web, (text) => text.replace('VERSION: "1"', 'VERSION: "2"').replace('replicas: 3', 'replicas: 4'));
    const rollout = await muster(['apply', cluster, '--auto-approve']);
    assert.equal(rollout.code, 0, rollout.stderr);
    assert.match(rollout.stdout, /env\.VERSION {8}1 → 2/);
    assert.match(rollout.stdout, /^Plan: 1 to create, 0 to update, 3 to replace/m);

    const [, victim] = [...(await processesOf(cluster))].find(([name]) => name.includes('.shop.web.')) ?? [];
    assert.ok(victim?.child !== undefined);
    process.kill(victim.child.pid, 'SIGKILL');
    await until(async () => (await status()).drift === 1);
    assert.equal((await muster(['status', cluster, '--detailed-exitcode'])).code, 2);
    const heal = await muster(['apply', cluster, '--auto-approve']);
    assert.equal(heal.code, 0, heal.stderr);
    assert.equal((await status()).asDeclared, true);

    await edit(web, (text) =>
      text.replace('HEALTHY: "yes"', 'HEALTHY: "no"').replace('healthyDeadline: 60s', 'healthyDeadline: 2s'),
    );
    const broken = await muster(['apply', cluster, '--auto-approve']);
    assert.equal(broken.code, 6, broken.stderr);
    assert.match(broken.stderr, /shop\/web failed and was rolled back/);
    assert.equal(
      (await status()).workloads.find(({ id }) => id === 'shop/web')?.healthy,
      4,
      'the old revision still serves',
    );

    await edit(web, (text) =>
      text
        .replace('HEALTHY: "no"', 'HEALTHY: "yes"')
        .replace('healthyDeadline: 2s', 'healthyDeadline: 60s')
        .replace('replicas: 4', 'replicas: 40'),
    );
    const refused = await muster(['plan', cluster, '--detailed-exitcode']);
    assert.equal(refused.code, 3);
    assert.match(refused.stdout, /^Refused$/m);

    await edit(web, (text) => text.replace('replicas: 40', 'replicas: 5'));
    const saved = join(cluster, 'plan.json');
    assert.equal((await muster(['plan', cluster, '--out', saved])).code, 0);
    const applied = await muster(['apply', saved, cluster]);
    assert.equal(applied.code, 0, applied.stderr);
    const stale = await muster(['apply', saved, cluster]);
    assert.equal(stale.code, 5);
    assert.match(stale.stderr, /the saved plan is stale/);

    const history = await muster(['history', cluster]);
    assert.match(history.stdout, /undone/);
    assert.ok((await muster(['history', cluster, '-o', 'json', '--limit', '2'])).stdout.includes('"run"'));
    const doctor = await muster(['doctor', cluster]);
    assert.equal(doctor.code, 0, doctor.stdout);
    assert.match(doctor.stdout, /^ok {4}n3\/process/m);
  });

  test('while muster run holds the lease, apply says who does and exits with 4; SIGTERM ends run with 0', async (t) => {
    // Registered first, so that it ends before the processes that it would heal.
    let started: ChildProcess | undefined;
    t.after(() => {
      started?.kill('SIGKILL');
    });
    const cluster = await quickstart(t);
    const daemon = startMuster(['run', cluster, '--listen', '127.0.0.1:0', '--interval', '1s']);
    started = daemon;
    let log = '';
    daemon.stdout?.setEncoding('utf8').on('data', (text: string) => (log += text));
    await until(async () => log.includes('"msg":"applied"'));
    const locked = await muster(['apply', cluster, '--auto-approve']);
    assert.equal(locked.code, 4, locked.stderr);
    assert.match(locked.stderr, /muster run/);
    const address = /"address":"([^"]+)"/.exec(log)?.[1];
    assert.equal((await fetch(`${address}/healthz`)).status, 200);
    assert.match(await (await fetch(`${address}/metrics`)).text(), /muster_leader\{[^}]*\} 1/);
    assert.equal((await muster(['status', cluster, '--detailed-exitcode'])).code, 0, 'reading works beside run');
    daemon.kill('SIGTERM');
    const [code] = (await once(daemon, 'exit')) as [number | null];
    assert.equal(code, 0);
    for (const line of log.trim().split('\n')) JSON.parse(line);
  });

  test('Ctrl-C stops at a safe point with 130; the next apply finishes', async (t) => {
    const cluster = await quickstart(t);
    await edit(join(cluster, 'workloads/web.yaml'), (text) => text.replace('observe: 500ms', 'observe: 3s'));
    assert.equal((await muster(['apply', cluster, '--auto-approve'])).code, 0);
    await edit(join(cluster, 'workloads/web.yaml'), (text) => text.replace('VERSION: "1"', 'VERSION: "2"'));
    const child = startMuster(['apply', cluster, '--auto-approve']);
    let said = '';
    child.stdout?.resume();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(child, 'exit');
    await until(async () => said.includes('observing'));
    child.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    assert.equal(code, 130, said);
    assert.match(said, /Stopping at a safe point/);
    const next = await muster(['apply', cluster, '--auto-approve']);
    assert.equal(next.code, 0, next.stderr);
    assert.match(next.stderr, /a run was interrupted/);
    const after = await muster(['plan', cluster, '--detailed-exitcode']);
    assert.match(after.stdout, /^No changes\./m);
    assert.equal(after.code, 0);
  });
});

const pollMs = 100;
const longestMs = 120_000;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + longestMs;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `did not happen within ${longestMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
