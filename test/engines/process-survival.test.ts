import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type CreateRequest, type Engine, EngineError, type LogLine } from '../../src/engines/engine.ts';
import { openProcessEngine } from '../../src/engines/process/process.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { Revision } from '../../src/model/revision.ts';
import { until } from '../contract/engine.ts';
import { processRevision } from './process-programs.ts';

const call = { deadlineMs: 30_000 };
const runOn = 'while :; do sleep 0.1; done';
const cluster = { name: 'prod', uid: clusterUid('11111111-1111-4111-8111-111111111111') };

describe('a process', () => {
  it('survives kill -9 of what started it, and its orders go on being kept', async (t) => {
    const { root, engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', runOn], restart: 'always' });
    const starter = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', starterScript(root, objectId)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(starter.stdout, 'data');
    process.kill(starter.pid ?? 0, 'SIGKILL');
    await once(starter, 'exit');
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
    process.kill(recorded(root, objectId).child.pid, 'SIGKILL');
    await until(async () => {
      const seen = await engine.observe(objectId, call);
      return seen?.state === 'running' && seen.restarts === 1;
    });
  });

  it('is started once, however many starts are cut off or run at the same time', async (t) => {
    const { root, engine, create } = begin(t);
    // As in Kubernetes, `$$` in a command is a literal `$`: each run of the program says its own pid.
    const objectId = await create({ command: ['/bin/sh', '-c', `echo started $$$$; ${runOn}`] });
    // As after a crash of Muster: the supervisor is on its way, and nobody waits for it.
    await engine.start(objectId, { deadlineMs: 15 }).catch((error: unknown) => assert.ok(error instanceof EngineError));
    await Promise.all([1, 2, 3].map(() => openEngine(root).start(objectId, call)));
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
    // Only a supervisor starts the program. Once all but one have left, nothing is on its way any more.
    await until(async () => supervisorsOf(root).length === 1);
    await until(async () => (await linesOf(engine, objectId)).length > 0);
    const { supervisor, child } = recorded(root, objectId);
    assert.deepEqual(supervisorsOf(root), [supervisor.pid]);
    // A stop ends when nothing of the object runs: its output is whole then, a second run's line included.
    await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    assert.deepEqual(supervisorsOf(root), []);
    assert.deepEqual(await linesOf(engine, objectId), [`started ${child.pid}`]);
  });

  it('goes on when its supervisor is killed, and is then stopped and started all the same', async (t) => {
    const { root, engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', runOn], restart: 'always' });
    await engine.start(objectId, call);
    const { supervisor, child } = recorded(root, objectId);
    process.kill(supervisor.pid, 'SIGKILL');
    await until(async () => !isAlive(supervisor.pid));
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
    await engine.start(objectId, call);
    assert.equal(recorded(root, objectId).child.pid, child.pid, 'start found it running');
    await engine.stop(objectId, { signal: 'SIGTERM', graceMs: 5_000 }, call);
    assert.equal((await engine.observe(objectId, call))?.state, 'exited');
    assert.ok(!isAlive(child.pid));
    await engine.start(objectId, call);
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
  });

  it('ends with everything that it started, down to grandchildren that ignore the signal', async (t) => {
    const { engine, create } = begin(t);
    // As in Kubernetes, `$$` in a command is a literal `$`.
    const grandchild = `trap "" TERM; echo $$$$; ${runOn}`;
    const objectId = await create({
      command: ['/bin/sh', '-c', `/bin/sh -c '${grandchild}' & trap "exit 0" TERM; wait`],
    });
    await engine.start(objectId, call);
    await until(async () => (await linesOf(engine, objectId)).length > 0);
    const pid = Number((await linesOf(engine, objectId))[0]);
    assert.ok(isAlive(pid));
    await engine.stop(objectId, { signal: 'SIGTERM', graceMs: 500 }, call);
    assert.ok(!isAlive(pid));
  });

  it('takes along what it left behind when it ends by itself', async (t) => {
    const { engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'] });
    await engine.start(objectId, call);
    await until(async () => (await engine.observe(objectId, call))?.state === 'exited');
    const pid = Number((await linesOf(engine, objectId))[0]);
    assert.ok(pid > 0);
    await until(async () => !isAlive(pid));
  });

  it('is never confused with another process that got its pid', async (t) => {
    const { root, engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', runOn] });
    await engine.start(objectId, call);
    await engine.stop(objectId, { signal: 'SIGTERM', graceMs: 5_000 }, call);
    const innocent = spawn('/bin/sh', ['-c', runOn], { detached: true, stdio: 'ignore' });
    t.after(() => process.kill(-(innocent.pid ?? 0), 'SIGKILL'));
    const path = join(root, 'prod.shop.web.1.g1', 'state.json');
    const state = JSON.parse(readFileSync(path, 'utf8'));
    for (const process of [state.child, state.supervisor]) process.pid = innocent.pid;
    writeFileSync(path, JSON.stringify({ ...state, phase: 'running' }));
    assert.equal((await engine.observe(objectId, call))?.state, 'exited');
    await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    assert.ok(isAlive(innocent.pid ?? 0), 'the innocent process was left alone');
    await engine.start(objectId, call);
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
    assert.ok(isAlive(innocent.pid ?? 0));
  });

  it('counts as exited after a reboot, and starts again', async (t) => {
    const { root, engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', runOn] });
    await engine.start(objectId, call);
    const { supervisor, child } = recorded(root, objectId);
    for (const pid of [supervisor.pid, child.pid]) process.kill(pid, 'SIGKILL');
    await until(async () => !isAlive(supervisor.pid) && !isAlive(child.pid));
    const path = join(root, 'prod.shop.web.1.g1', 'state.json');
    const boot = { bootId: '00000000-0000-0000-0000-000000000000' };
    // The same pids and start times as of a process that runs now: only the boot tells them apart.
    const self = { ...JSON.parse(readFileSync(path, 'utf8')).child, ...identityOfThisProcess(), ...boot };
    writeFileSync(path, JSON.stringify({ supervisor: self, child: self, phase: 'running', restarts: 0 }));
    assert.equal((await engine.observe(objectId, call))?.state, 'exited');
    await engine.start(objectId, call);
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
  });

  it('starts anew when a stop was cut off half way', async (t) => {
    const { root, engine, create } = begin(t);
    const objectId = await create({
      command: ['/bin/sh', '-c', `trap "" TERM; echo deaf; ${runOn}`],
      restart: 'always',
    });
    await engine.start(objectId, call);
    await until(async () => (await linesOf(engine, objectId)).includes('deaf'));
    const first = recorded(root, objectId).child.pid;
    await assert.rejects(engine.stop(objectId, { signal: 'SIGTERM', graceMs: 3_000 }, { deadlineMs: 200 }), {
      code: 'timeout',
    });
    await engine.start(objectId, call);
    assert.notEqual(recorded(root, objectId).child.pid, first);
    assert.ok(!isAlive(first));
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
  });
});

describe('output of a process', () => {
  it('stays within its bound while no Muster looks, and keeps the newest lines', async (t) => {
    const { root, engine, create } = begin(t);
    const count = 20_000;
    const objectId = await create({
      command: [
        '/bin/sh',
        '-c',
        `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i of a program that talks a lot"; done`,
      ],
    });
    await engine.start(objectId, call);
    await until(async () => (await engine.observe(objectId, call))?.state === 'exited');
    const folder = join(root, 'prod.shop.web.1.g1');
    for (const file of ['output.log', 'output.log.1']) assert.ok(statSync(join(folder, file)).size <= logBytes, file);
    await until(async () => (await linesOf(engine, objectId)).at(-1) === `line ${count} of a program that talks a lot`);
    const lines = await linesOf(engine, objectId);
    assert.ok(lines.length > 500, 'the older file is read too');
    assert.deepEqual(
      lines,
      lines.map((_, index) => `line ${count - lines.length + 1 + index} of a program that talks a lot`),
    );
  });

  it('is followed across rotations, line by line, until aborted', async (t) => {
    const { engine, create } = begin(t);
    const objectId = await create({
      command: ['/bin/sh', '-c', `i=0; while :; do i=$((i+1)); echo "line $i ${'x'.repeat(2_000)}"; sleep 0.01; done`],
    });
    await engine.start(objectId, call);
    const abort = new AbortController();
    const numbers: number[] = [];
    for await (const line of engine.logs(objectId, { tail: 1, follow: true }, { ...call, signal: abort.signal })) {
      numbers.push(Number(line.text.split(' ')[1]));
      if (numbers.length >= 100) abort.abort();
    }
    const first = numbers[0] ?? 0;
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => first + index),
    );
  });
});

describe('starting a process', () => {
  for (const [what, overrides, message] of [
    [
      'a command that is not in PATH',
      { command: ['no-such-command-anywhere'] },
      /command "no-such-command-anywhere" is not in PATH/,
    ],
    [
      'a command that does not exist',
      { command: ['/no/such/program'] },
      /command "\/no\/such\/program" does not exist/,
    ],
    ['a file that is not executable', { command: ['/etc/passwd'] }, /command "\/etc\/passwd" is not executable/],
    [
      'a working directory that does not exist',
      { command: ['/bin/true'], options: { cwd: 'nowhere' } },
      /working directory .*\/work\/nowhere does not exist/,
    ],
  ] as const) {
    it(`refuses ${what}, and says so`, async (t) => {
      const { engine, create } = begin(t);
      const objectId = await create(overrides);
      await assert.rejects(engine.start(objectId, call), { code: 'rejected', retryable: false, message });
      assert.notEqual((await engine.observe(objectId, call))?.state, 'running');
    });
  }

  it('refuses a port that something else listens on, and lists it as foreign', async (t) => {
    const { engine, create, request } = begin(t);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const wanted = request({ command: ['/bin/sh', '-c', runOn] }, port);
    await assert.rejects(engine.create(wanted, call), {
      code: 'portTaken',
      message: new RegExp(`port ${port} \\(http\\)`),
    });
    assert.ok((await engine.list(call)).foreign.some((object) => object.ports.includes(port)));
    server.close();
    await once(server, 'close');
    const { objectId } = await engine.create(wanted, call);
    const again = createServer().listen(port, '127.0.0.1');
    await once(again, 'listening');
    t.after(() => again.close());
    await assert.rejects(engine.start(objectId, call), { code: 'portTaken' });
    assert.equal(typeof (await create({ command: ['/bin/true'] })), 'string', 'other ports are free');
  });

  it('does not count as foreign what its own program listens on, seen from any node of the machine', async (t) => {
    const { root, engine, request } = begin(t);
    const script = 'require("net").createServer().listen(process.env.PORT_HTTP, "127.0.0.1", () => console.log("up"))';
    const port = await freePort();
    const { objectId } = await engine.create(request({ command: [process.execPath, '-e', script] }, port), call);
    await engine.start(objectId, call);
    await until(async () => (await linesOf(engine, objectId)).includes('up'));
    const neighbour = openEngine(join(root, '..', 'neighbour-of-nobody'), [root]);
    for (const one of [engine, neighbour]) {
      assert.ok(!(await one.list(call)).foreign.some((object) => object.ports.includes(port)));
    }
    const stranger = openEngine(join(root, '..', 'neighbour-of-nobody'));
    assert.ok((await stranger.list(call)).foreign.some((object) => object.ports.includes(port)));
  });
});

describe('what runs beside a process', () => {
  it('sees nothing of the host’s environment but PATH and HOME', async (t) => {
    process.env['SECRET_OF_THE_OPERATOR'] = 'hunter2';
    t.after(() => delete process.env['SECRET_OF_THE_OPERATOR']);
    const { engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', `env; ${runOn}`], env: { LOG_LEVEL: 'info' } });
    await engine.start(objectId, call);
    const { output } = await engine.exec(objectId, ['env'], call);
    const names = output
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
      .sort();
    const muster = ['MUSTER_NODE', 'MUSTER_ORDINAL', 'MUSTER_REVISION', 'MUSTER_WORKLOAD'];
    assert.deepEqual(names, ['HOME', 'LOG_LEVEL', ...muster, 'PATH']);
    await until(async () => (await linesOf(engine, objectId)).includes('LOG_LEVEL=info'));
    assert.ok(!(await linesOf(engine, objectId)).some((line) => line.includes('hunter2')));
  });

  it('is killed with all that it started when its deadline is over', async (t) => {
    const { root, engine, create } = begin(t);
    const objectId = await create({ command: ['/bin/sh', '-c', runOn] });
    await engine.start(objectId, call);
    const hang = ['/bin/sh', '-c', 'sleep 1000 & echo $! > pid; wait'];
    await assert.rejects(engine.exec(objectId, hang, { deadlineMs: 3_000 }), { code: 'timeout', retryable: true });
    const pid = Number(readFileSync(join(root, 'prod.shop.web.1.g1', 'work', 'pid'), 'utf8'));
    assert.ok(pid > 0);
    await until(async () => !isAlive(pid));
  });
});

const logBytes = 64 * 1024;

function openEngine(root: string, siblingRoots: readonly string[] = []): Engine {
  return openProcessEngine({
    node: nodeName('n1'),
    root,
    siblingRoots,
    endpoint: { endpoint: 'local:' },
    cluster,
    logBytes,
  });
}

/** A node of its own for one test; everything on it is stopped and removed afterwards. */
function begin(t: TestContext): {
  readonly root: string;
  readonly engine: Engine;
  readonly request: (overrides: Partial<Revision> & Pick<Revision, 'command'>, port: number) => CreateRequest;
  readonly create: (overrides: Partial<Revision> & Pick<Revision, 'command'>) => Promise<string>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'muster-process-'));
  const root = join(folder, 'n1');
  const engine = openEngine(root);
  let ordinal = 0;
  t.after(async () => {
    for (const { objectId } of (await engine.list(call)).objects)
      await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    rmSync(folder, { recursive: true, force: true });
  });
  const request = (overrides: Partial<Revision> & Pick<Revision, 'command'>, port: number): CreateRequest => {
    ordinal += 1;
    return {
      allocation: allocationId(instanceId(workloadId('shop', 'web'), ordinal), 1),
      revisionHash: revisionHash('0123456789abcdef'),
      revision: processRevision(overrides),
      holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ...(port > 0 && { ports: { http: port } }) },
      token: fencingToken({ epoch: 1, createRevision: 7 }),
      effect: 's1:create',
    };
  };
  const create = async (overrides: Partial<Revision> & Pick<Revision, 'command'>): Promise<string> =>
    (await engine.create(request({ ports: [], ...overrides }, 0), call)).objectId;
  return { root, engine, request, create };
}

/** What another Muster would do: start it, say so, and wait to be killed. */
function starterScript(root: string, objectId: string): string {
  const engine = new URL('../../src/engines/process/process.ts', import.meta.url).href;
  return `
    const { openProcessEngine } = await import(${JSON.stringify(engine)});
    const engine = openProcessEngine({ node: 'n1', root: ${JSON.stringify(root)}, siblingRoots: [], endpoint: { endpoint: 'local:' }, cluster: ${JSON.stringify(cluster)} });
    await engine.start(${JSON.stringify(objectId)}, { deadlineMs: 30000 });
    console.log('started');
    setInterval(() => {}, 1000);`;
}

interface Recorded {
  readonly supervisor: { readonly pid: number };
  readonly child: { readonly pid: number };
}

const recorded = (root: string, objectId: string): Recorded => {
  const folder = join(root, 'prod.shop.web.1.g1');
  assert.equal(JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8')).objectId, objectId);
  return JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
};

function identityOfThisProcess(): { readonly pid: number; readonly startTicks: number } {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return { pid: process.pid, startTicks: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) };
}

/** Pids of the supervisors that run for objects below this root: each names its object's folder. */
const supervisorsOf = (root: string): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && argumentsOf(pid).at(-1)?.startsWith(`${root}/`) === true);

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return []; // It ended meanwhile.
  }
}

/** A zombie that nobody has reaped yet does not live. */
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function linesOf(engine: Engine, objectId: string): Promise<readonly string[]> {
  const lines: LogLine[] = [];
  for await (const line of engine.logs(objectId, { tail: 100_000, follow: false }, call)) lines.push(line);
  return lines.map((line) => line.text);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
