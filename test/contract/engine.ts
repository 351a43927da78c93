import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  type Call,
  type CreateRequest,
  type Engine,
  EngineError,
  type EngineErrorCode,
  type EngineEvent,
  type LogLine,
  objectName,
} from '../../src/engines/engine.ts';
import { engineFeatures } from '../../src/engines/features.ts';
import {
  type AllocationId,
  allocationId,
  type ClusterUid,
  clusterUid,
  fencingToken,
  instanceId,
  type RevisionHash,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { ObservedObject } from '../../src/model/observed.ts';
import type { Revision } from '../../src/model/revision.ts';

/** What a program of the suite does. `shellProgram` says it for engines that can run /bin/sh. */
export type Program =
  /** Prints `ready` once it listens for signals, runs on, and ends with 0 soon after SIGTERM. */
  | { readonly kind: 'run' }
  /** Prints `ready` once it is deaf, and runs on, whatever it is told. */
  | { readonly kind: 'ignoreTerm' }
  | { readonly kind: 'exit'; readonly code: number }
  /** Prints these lines, stdout first, and runs on. */
  | { readonly kind: 'print'; readonly stdout: readonly string[]; readonly stderr: readonly string[] }
  /** Prints `NAME=value` for these variables and `arg=value` for each of `args`, and runs on. */
  | { readonly kind: 'environment'; readonly names: readonly string[] };

/** How one engine is brought up for the suite. The suite opens several engines on the same place, as several runs of Muster would. */
export interface EngineHarness {
  /** An engine on one and the same node, for a cluster of this uid; called several times, and closed by the suite. */
  open(cluster: { readonly name: string; readonly uid?: ClusterUid }): Promise<Engine>;
  /** A revision that this engine can run, with one TCP port `http` (8080); `args` follow the program's own. */
  revision(program: Program, overrides?: Partial<Pick<Revision, 'env' | 'restart' | 'args'>>): Revision;
  /** The suite publishes ports from here, less than a hundred. Suites run side by side, on the ports of one machine. */
  readonly firstPort: number;
  /** Makes something of this name that is not Muster's, and says whether it is still as it was made. */
  foreign(name: string): Promise<{ untouched(): Promise<boolean> }>;
  /** Removes whatever the suite left behind. */
  cleanUp(): Promise<void>;
}

/** The program as a command of /bin/sh; `args` of the revision arrive as `$1`, `$2`, … */
export function shellProgram(program: Program): { readonly command: readonly string[] } {
  const forEver = 'while :; do sleep 0.1; done';
  const runOn = `trap "exit 0" TERM; ${forEver}`;
  const scripts: Readonly<Record<Program['kind'], string>> = {
    run: `trap "exit 0" TERM; echo ready; ${forEver}`,
    ignoreTerm: `trap "" TERM; echo ready; ${forEver}`,
    exit: program.kind === 'exit' ? `exit ${program.code}` : '',
    print:
      program.kind === 'print'
        ? [
            ...program.stdout.map((line) => `echo '${line}'`),
            ...program.stderr.map((line) => `echo '${line}' >&2`),
            runOn,
          ].join('; ')
        : '',
    environment:
      program.kind === 'environment'
        ? [
            ...program.names.map((name) => `echo "${name}=$${name}"`),
            'for a in "$@"; do echo "arg=$a"; done',
            runOn,
          ].join('; ')
        : '',
  };
  return { command: ['/bin/sh', '-c', scripts[program.kind], 'sh'] };
}

const call: Call = { deadlineMs: 30_000 };
const graceMs = 10_000;
const uid = clusterUid('11111111-1111-4111-8111-111111111111');
const hash = revisionHash('0123456789abcdef');
const token = fencingToken({ epoch: 1, createRevision: 7 });
/** How long the suite waits for what an engine does by itself, on a machine that is busy with other things. */
const patienceMs = 60_000;

/** Every engine passes these, each against the real thing. `skip` is the visible reason where a component is missing. */
export function engineContract(
  name: string,
  options: {
    readonly harness: () => Promise<EngineHarness>;
    readonly clusterName: string;
    readonly skip?: string | false;
  },
): void {
  describe(`engine contract: ${name}`, { skip: options.skip ?? false }, () => {
    const suite = newSuite(options.clusterName);
    before(async () => suite.begin(await options.harness()));
    after(() => suite.end());
    for (const group of [identity, lifecycle, inside, outside]) group(suite);
  });
}

function identity(suite: Suite): void {
  it('says who it is, what it can do and what it has', async () => {
    const { engine } = suite;
    const info = await engine.info(call);
    assert.ok((info.capacity.cpuMillis ?? 0) >= 1000 && (info.capacity.memoryBytes ?? 0) > 0, 'capacity is probed');
    assert.ok(info.version.length > 0);
    assert.equal((await engine.info(call)).fingerprint, info.fingerprint, 'the fingerprint stays');
    await engine.ping(call);
    if (engine.kind in engineFeatures) {
      assert.deepEqual(engine.features, engineFeatures[engine.kind as keyof typeof engineFeatures]);
    }
  });

  it('creates without starting, with the labels that say whose it is', async (t) => {
    const { objectId, request } = await suite.create(t, { kind: 'run' });
    const seen = await suite.observe(objectId);
    assert.equal(seen.state, 'created');
    assert.deepEqual(
      [seen.allocation, seen.cluster, seen.revision, seen.name],
      [request.allocation, uid, hash, objectName(suite.clusterName, request.allocation)],
    );
    assert.deepEqual([seen.node, seen.engine], [suite.engine.node, suite.engine.kind]);
  });

  it('keeps with an object what it was made from and by whom, updates in place included', async (t) => {
    const env = { PLAIN: 'a=b "c"', DERIVED: '$(PLAIN)-x', LITERAL: '$$(PLAIN)', EMPTY: '' };
    const { objectId, request } = await suite.create(t, { kind: 'run' }, { env });
    const { revision, holds } = request;
    assert.equal((await suite.observe(objectId)).token, token);
    assert.deepEqual(await suite.engine.recall(objectId, call), { revisionHash: hash, revision, holds });
    for (const restart of ['always', 'never'] as const) {
      const update = { revisionHash: revisionHash('fedcba9876543210'), revision: { ...revision, restart }, holds };
      await suite.engine.update(objectId, update, call);
      assert.deepEqual(await suite.engine.recall(objectId, call), update);
    }
    const neighbour = await suite.open(clusterUid('22222222-2222-4222-8222-222222222222'));
    assert.equal(await neighbour.recall(objectId, call), undefined, 'whose it is not learns nothing');
  });

  it('creating what is there already is success, also for another run of Muster', async (t) => {
    const { objectId, request } = await suite.create(t, { kind: 'run' });
    assert.equal((await suite.engine.create(request, call)).objectId, objectId);
    const other = await suite.open(uid);
    assert.equal(
      (
        await other.create(
          { ...request, effect: 'another', token: fencingToken({ epoch: 1, createRevision: 9 }) },
          call,
        )
      ).objectId,
      objectId,
    );
  });

  it('never touches something foreign of the same name', async () => {
    const request = suite.request({ kind: 'run' });
    const foreign = await suite.harness.foreign(objectName(suite.clusterName, request.allocation));
    await rejects(suite.engine.create(request, call), 'foreignName');
    assert.ok(await foreign.untouched());
    const { objects, foreign: others } = await suite.engine.list(call);
    assert.ok(!objects.some((object) => object.allocation === request.allocation));
    const name = objectName(suite.clusterName, request.allocation);
    assert.ok(
      others.some((object) => object.name === name),
      `${name} is listed as foreign`,
    );
  });

  it('another cluster’s object is foreign, and is neither observed, started, stopped nor removed', async (t) => {
    const { objectId, request } = await suite.start(t, { kind: 'run' });
    const stranger = await suite.open(clusterUid('22222222-2222-4222-8222-222222222222'));
    await rejects(stranger.create(request, call), 'foreignName');
    const listing = await stranger.list(call);
    assert.ok(!listing.objects.some((object) => object.objectId === objectId));
    assert.ok(listing.foreign.some((object) => object.name === objectName(suite.clusterName, request.allocation)));
    assert.equal(await stranger.observe(objectId, call), undefined);
    assert.equal((await suite.observe(objectId)).state, 'running');
  });

  it('nothing is ours before the cluster has a uid', async (t) => {
    const { objectId } = await suite.create(t, { kind: 'run' });
    const early = await suite.open(undefined);
    assert.ok(!(await early.list(call)).objects.some((object) => object.objectId === objectId));
  });
}

function lifecycle(suite: Suite): void {
  it('starts, and starting what runs is success without a second program', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'run' });
    const first = await suite.observe(objectId);
    assert.equal(first.state, 'running');
    assert.ok(Math.abs(Date.now() - (first.startedAt ?? 0)) < 60_000, 'startedAt is a time of now');
    await suite.engine.start(objectId, call);
    assert.equal((await suite.observe(objectId)).startedAt, first.startedAt);
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    assert.equal((await suite.logs(objectId, { tail: 10 })).filter(({ text }) => text === 'ready').length, 1);
  });

  it('stops gracefully, keeps it stopped, and stopping what stopped is success', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'run' }, { restart: 'always' });
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    const stopped = await suite.observe(objectId);
    assert.deepEqual([stopped.state, stopped.exitCode], ['exited', 0]);
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    assert.equal((await suite.observe(objectId)).state, 'exited');
  });

  it('kills what ignores the signal when the grace period is over', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'ignoreTerm' });
    const before = Date.now();
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs: 1_000 }, call);
    assert.ok(Date.now() - before >= 900, 'not before its grace period was over');
    const killed = await suite.observe(objectId);
    assert.deepEqual([killed.state, killed.exitCode], ['exited', 137]);
  });

  it('starts again what was stopped: what an undo needs', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'run' });
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    await suite.engine.start(objectId, call);
    assert.equal((await suite.observe(objectId)).state, 'running');
  });

  it('removes what is stopped; removing and stopping what is gone are success', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'run' });
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    await suite.engine.remove(objectId, call);
    assert.equal(await suite.engine.observe(objectId, call), undefined);
    await suite.engine.remove(objectId, call);
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    await rejects(suite.engine.start(objectId, call), 'notFound');
    assert.ok(!(await suite.engine.list(call)).objects.some((object) => object.objectId === objectId));
  });

  it('refuses to remove what runs', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'run' });
    await rejects(suite.engine.remove(objectId, call), 'rejected');
    assert.equal((await suite.observe(objectId)).state, 'running');
  });

  it('reports the exit code of a program that ended by itself', async (t) => {
    const { objectId } = await suite.create(t, { kind: 'exit', code: 3 }, { restart: 'never' });
    await suite.engine.start(objectId, call);
    const ended = await suite.observedWhen(objectId, (object) => object.state === 'exited');
    assert.equal(ended.exitCode, 3);
  });

  it('restarts on failure and counts it, and a stop ends that', async (t) => {
    const { objectId } = await suite.create(t, { kind: 'exit', code: 3 }, { restart: 'on-failure' });
    await suite.engine.start(objectId, call);
    await suite.observedWhen(objectId, (object) => (object.restarts ?? 0) >= 2);
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    const stopped = await suite.observe(objectId);
    assert.equal(stopped.state, 'exited');
    await sleep(500);
    assert.equal((await suite.observe(objectId)).restarts, stopped.restarts, 'it is not restarted any more');
  });

  it('an update in place records the new revision and restarts nothing', async (t) => {
    const { objectId, request } = await suite.start(t, { kind: 'run' });
    const before = await suite.observe(objectId);
    const next = revisionHash('fedcba9876543210');
    const revision: Revision = { ...request.revision, restart: 'always' };
    await suite.engine.update(objectId, { revisionHash: next, revision, holds: request.holds }, call);
    const after = await suite.observe(objectId);
    assert.deepEqual([after.revision, after.state, after.startedAt], [next, 'running', before.startedAt]);
  });
}

function inside(suite: Suite): void {
  it('brings environment, arguments and ports inside, with $(NAME) replaced', async (t) => {
    const names = ['MUSTER_WORKLOAD', 'MUSTER_ORDINAL', 'MUSTER_NODE', 'MUSTER_REVISION', 'GREETING', 'URL'];
    const { objectId, request } = await suite.create(
      t,
      { kind: 'environment', names },
      { env: { GREETING: 'good day', URL: 'port $(PORT_HTTP)' }, args: ['--port', '$(PORT_HTTP)', '$$(PORT_HTTP)'] },
    );
    await suite.engine.start(objectId, call);
    const port = suite.engine.kind === 'docker' ? 8080 : request.holds.ports?.['http'];
    const expected = [
      'MUSTER_WORKLOAD=contract/web',
      `MUSTER_ORDINAL=${ordinalOf(request.allocation)}`,
      `MUSTER_NODE=${suite.engine.node}`,
      `MUSTER_REVISION=${hash}`,
      'GREETING=good day',
      `URL=port ${port}`,
      'arg=--port',
      `arg=${port}`,
      'arg=$(PORT_HTTP)',
    ];
    const lines = await suite.logsWhen(objectId, (seen) => seen.length >= expected.length);
    assert.deepEqual(
      lines.map((line) => line.text),
      expected,
    );
    const seen = await suite.observe(objectId);
    assert.equal(seen.ports['http']?.port, request.holds.ports?.['http'], 'the published port is observed');
  });

  it('keeps both streams of output, and gives the last lines', async (t) => {
    const { objectId } = await suite.create(t, { kind: 'print', stdout: ['one', 'two', 'three'], stderr: ['oops'] });
    await suite.engine.start(objectId, call);
    const all = await suite.logsWhen(objectId, (lines) => lines.length >= 4);
    assert.deepEqual(
      all.filter((line) => line.stream === 'stdout').map((line) => line.text),
      ['one', 'two', 'three'],
    );
    assert.deepEqual(
      all.filter((line) => line.stream === 'stderr').map((line) => line.text),
      ['oops'],
    );
    assert.equal((await suite.logs(objectId, { tail: 2 })).length, 2);
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, call);
    // A shell may have something to say about its own end.
    const kept = await suite.logs(objectId, { tail: 10 });
    for (const line of all)
      assert.ok(
        kept.some((other) => isDeepStrictEqual(other, line)),
        'output outlives the program',
      );
  });

  it('runs a command inside and gives its exit code and output', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'run' }, { env: { GREETING: 'hello' } });
    const result = await suite.engine.exec(objectId, ['/bin/sh', '-c', 'echo "$GREETING"; exit 3'], call);
    assert.equal(result.exitCode, 3);
    assert.match(result.output, /^hello\r?\n$/);
  });
}

function outside(suite: Suite): void {
  it('lists ours', async (t) => {
    const made = [await suite.create(t, { kind: 'run' }), await suite.create(t, { kind: 'run' })];
    const listed = (await suite.engine.list(call)).objects.map((object) => object.objectId);
    for (const { objectId } of made) assert.ok(listed.includes(objectId));
  });

  it('lists by name what Muster made for this cluster, whatever its uid; the rest is foreign', async (t) => {
    const { objectId, request } = await suite.create(t, { kind: 'run' });
    const next = revisionHash('fedcba9876543210');
    const revision: Revision = { ...request.revision, restart: 'always' };
    await suite.engine.update(objectId, { revisionHash: next, revision, holds: request.holds }, call);
    const otherUid = clusterUid('33333333-3333-4333-8333-333333333333');
    const rebuilt = await suite.create(t, { kind: 'run' }, {}, await suite.open(otherUid));
    const neighbour = await suite.open(uid, `${suite.clusterName}-next`);
    const stranger = await suite.create(t, { kind: 'run' }, {}, neighbour);

    const early = await suite.open(undefined);
    const { objects, foreign } = await early.listNamed(call);
    const find = (id: string): ObservedObject | undefined => objects.find((object) => object.objectId === id);
    assert.deepEqual(find(objectId), await suite.observe(objectId), 'as its own cluster sees it, updates included');
    assert.deepEqual([find(objectId)?.cluster, find(objectId)?.revision], [uid, next]);
    const seen = find(rebuilt.objectId);
    assert.deepEqual([seen?.cluster, seen?.allocation, seen?.revision], [otherUid, rebuilt.request.allocation, hash]);
    assert.equal(find(stranger.objectId), undefined, 'another cluster that has the same uid has another name');
    const names = foreign.map((object) => object.name);
    const nameOf = (cluster: string, { allocation }: CreateRequest): string => objectName(cluster, allocation);
    assert.ok(names.includes(nameOf(`${suite.clusterName}-next`, stranger.request)));
    for (const made of [request, rebuilt.request]) assert.ok(!names.includes(nameOf(suite.clusterName, made)));

    assert.deepEqual((await early.list(call)).objects, [], 'a uid is needed for everything else, as before');
    const ours = (await suite.engine.list(call)).objects.map((object) => object.objectId);
    assert.ok(ours.includes(objectId) && !ours.includes(rebuilt.objectId));
    assert.equal(await early.observe(objectId, call), undefined);
  });

  it('tells of a start and of an exit', async (t) => {
    const { objectId } = await suite.create(t, { kind: 'run' });
    const events: EngineEvent[] = [];
    const abort = new AbortController();
    const reading = (async () => {
      for await (const event of suite.engine.events({ signal: abort.signal })) events.push(event);
    })();
    const heard = (kind: EngineEvent['kind']): boolean =>
      events.some((event) => event.objectId === objectId && event.kind === kind);
    try {
      // Listening begins when the engine has connected, which nothing tells: start until it is heard.
      await until(async () => {
        await suite.engine.start(objectId, call);
        await sleep(300);
        if (heard('started')) return true;
        await suite.engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
        return false;
      });
      await suite.engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
      await until(async () => heard('exited'));
    } finally {
      abort.abort();
      await reading;
    }
  });

  it('ends every call by its deadline, and the next one finds out what became of it', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'ignoreTerm' });
    const before = Date.now();
    const error = await rejects(
      suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, { deadlineMs: 300 }),
      'timeout',
    );
    assert.ok(error.retryable);
    assert.ok(Date.now() - before < graceMs, 'by its deadline');
    await suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs: 1_000 }, call);
    assert.equal((await suite.observe(objectId)).state, 'exited');
  });

  it('an aborted call ends at once', async (t) => {
    const { objectId } = await suite.start(t, { kind: 'ignoreTerm' });
    const abort = new AbortController();
    const stopping = suite.engine.stop(objectId, { signal: 'SIGTERM', graceMs }, { ...call, signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    await rejects(stopping, 'timeout');
  });
}

/** Waits until the condition holds; fails after a generous time. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited ${patienceMs} ms in vain`);
    await sleep(50);
  }
}

async function rejects(promise: Promise<unknown>, code: EngineErrorCode): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, `expected an EngineError ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.includes(error.node), 'the message names the node');
  return error;
}

interface Suite {
  readonly clusterName: string;
  readonly harness: EngineHarness;
  readonly engine: Engine;
  begin(harness: EngineHarness): Promise<void>;
  end(): Promise<void>;
  open(cluster: ClusterUid | undefined, name?: string): Promise<Engine>;
  /** A request that no test made before. */
  request(program: Program, overrides?: Partial<Pick<Revision, 'env' | 'restart' | 'args'>>): CreateRequest;
  /** Creates an object, with the suite's own engine unless another is given, and stops and removes it after the test. */
  create(
    t: TestContext,
    program: Program,
    overrides?: Partial<Pick<Revision, 'env' | 'restart' | 'args'>>,
    by?: Engine,
  ): Promise<{ readonly objectId: string; readonly request: CreateRequest }>;
  /** Creates and starts it, and waits until it says `ready`. */
  start(
    t: TestContext,
    program: Program & { readonly kind: 'run' | 'ignoreTerm' },
    overrides?: Partial<Pick<Revision, 'env' | 'restart' | 'args'>>,
  ): Promise<{ readonly objectId: string; readonly request: CreateRequest }>;
  observe(objectId: string): Promise<ObservedObject>;
  observedWhen(objectId: string, condition: (object: ObservedObject) => boolean): Promise<ObservedObject>;
  logs(objectId: string, options: { readonly tail: number }): Promise<readonly LogLine[]>;
  logsWhen(objectId: string, condition: (lines: readonly LogLine[]) => boolean): Promise<readonly LogLine[]>;
}

function newSuite(clusterName: string): Suite {
  let harness: EngineHarness | undefined;
  let engine: Engine | undefined;
  let ordinal = 0;
  const opened: Engine[] = [];
  const suite: Suite = {
    clusterName,
    get harness() {
      assert.ok(harness !== undefined);
      return harness;
    },
    get engine() {
      assert.ok(engine !== undefined);
      return engine;
    },
    async begin(begun) {
      harness = begun;
      engine = await suite.open(uid);
      await engine.pull(begun.revision({ kind: 'run' }), call);
    },
    async end() {
      await Promise.all(opened.map((one) => one.close()));
      await harness?.cleanUp();
    },
    async open(cluster, name = clusterName) {
      const one = await suite.harness.open({ name, ...(cluster !== undefined && { uid: cluster }) });
      opened.push(one);
      return one;
    },
    request(program, overrides) {
      ordinal += 1;
      const revision = suite.harness.revision(program, overrides);
      return {
        allocation: allocationId(instanceId(workloadId('contract', 'web'), ordinal), 1),
        revisionHash: hash as RevisionHash,
        revision,
        holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ports: { http: suite.harness.firstPort + ordinal } },
        token,
        effect: `s${ordinal}:create`,
      };
    },
    async create(t, program, overrides, by = suite.engine) {
      const request = suite.request(program, overrides);
      const { objectId } = await by.create(request, call);
      t.after(async () => {
        await by.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
        await by.remove(objectId, call);
      });
      return { objectId, request };
    },
    async start(t, program, overrides) {
      const made = await suite.create(t, program, overrides);
      await suite.engine.start(made.objectId, call);
      await suite.logsWhen(made.objectId, (lines) => lines.some(({ text }) => text === 'ready'));
      return made;
    },
    async observe(objectId) {
      const object = await suite.engine.observe(objectId, call);
      assert.ok(object !== undefined, `object ${objectId} is gone`);
      return object;
    },
    async observedWhen(objectId, condition) {
      let seen = await suite.observe(objectId);
      await until(async () => {
        seen = await suite.observe(objectId);
        return condition(seen);
      });
      return seen;
    },
    async logs(objectId, { tail }) {
      const lines: LogLine[] = [];
      for await (const line of suite.engine.logs(objectId, { tail, follow: false }, call)) lines.push(line);
      return lines;
    },
    async logsWhen(objectId, condition) {
      let seen: readonly LogLine[] = [];
      await until(async () => {
        seen = await suite.logs(objectId, { tail: 1_000 });
        return condition(seen);
      });
      return seen;
    },
  };
  return suite;
}

const ordinalOf = (allocation: AllocationId): string => /\/(\d+)#/.exec(allocation)?.[1] ?? '';
