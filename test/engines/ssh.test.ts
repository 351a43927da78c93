import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseSshEndpoint } from '../../src/engines/ssh/endpoint.ts';
import { SshFailure } from '../../src/engines/ssh/failure.ts';
import { openSshHost, type SshHost } from '../../src/engines/ssh/host.ts';
import { sh, wholeScript } from '../../src/engines/ssh/script.ts';
import { needsHosts, startHost, type TestHost } from '../bed/hosts.ts';
import { until } from '../contract/engine.ts';

/** Whatever a shell could take for something else, and anything at all. */
const word = fc.oneof(
  fc.string({ unit: fc.constantFrom(...` \t\n'"\`$\\!*?[]{}()<>|&;#~%=-^,@:é€🦊`), maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const words = fc.array(
  word.map((text) => text.replaceAll('\0', '0')),
  { minLength: 1, maxLength: 200 },
);

describe('scripts for a shell', () => {
  it('a word is one word, whatever is in it', () => {
    fc.assert(
      fc.property(words, (list) => {
        const script = sh`printf '%s\0' ${list}; printf '%s\0' ${list[0] ?? ''}`;
        const seen = execFileSync('/bin/sh', ['-s'], { input: wholeScript(script, 'toItsEnd') }).toString('utf8');
        assert.deepEqual(seen.split('\0').slice(0, -1), [...list, list[0]]);
      }),
      { numRuns: 60 },
    );
  });

  it('a script that arrives in part does nothing at all', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-script-'));
    try {
      const mark = join(folder, 'mark');
      const whole = wholeScript(
        sh`touch ${mark}
touch ${mark}.second`,
        'toItsEnd',
      );
      for (let length = 0; length < whole.lastIndexOf('}'); length += 1) {
        spawnSync('/bin/sh', ['-s'], { input: whole.slice(0, length) });
        assert.ok(!existsSync(mark), `the first ${length} characters`);
      }
      assert.equal(spawnSync('/bin/sh', ['-s'], { input: whole }).status, 0);
      assert.ok(existsSync(mark));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('endpoints are hosts, and nothing more', () => {
    assert.deepEqual(parseSshEndpoint('ssh://deploy@[::1]:2222'), { user: 'deploy', host: '::1', port: 2222 });
    assert.deepEqual(parseSshEndpoint('ssh://web-1'), { user: 'root', host: 'web-1', port: 22 });
    for (const bad of ['ssh://u:secret@host', 'ssh://host/path', 'tcp://host', 'ssh://', 'ssh://host?x=1'])
      assert.equal(parseSshEndpoint(bad), undefined, bad);
  });
});

describe('a connection to a real sshd', await needsHosts(), () => {
  let machine: TestHost;
  const opened: SshHost[] = [];
  before(async () => {
    machine = await startHost();
  });
  after(async () => {
    for (const host of opened) host.close();
    await machine.close();
  });
  const open = (options: Partial<Parameters<typeof openSshHost>[0]> = {}): SshHost => {
    const { ip, hostKey, privateKey } = machine;
    const login = { kind: 'key', name: 'test', privateKey } as const;
    const host = openSshHost({ host: ip, port: 22, user: 'root', hostKey, login, ...options });
    opened.push(host);
    return host;
  };
  const as = 'login';
  const within = (timeoutMs: number): AbortSignal => AbortSignal.timeout(timeoutMs);
  const fails = async (
    promise: Promise<unknown>,
    expected: { readonly retryable: boolean; readonly message: RegExp },
  ) => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SshFailure, String(error));
    assert.equal(error.code, 'unreachable');
    assert.equal(error.retryable, expected.retryable);
    assert.match(error.message, expected.message);
    assert.ok(!error.message.includes('PRIVATE KEY') && !String(error.cause).includes('PRIVATE KEY'));
  };

  it('gives output, errors and exit code, in an environment that nobody else has a hand in', async () => {
    const host = open({ user: 'guest' });
    const result = await host.run(sh`printf %s ${"a'b"}; echo oops >&2; exit 7`, { as, signal: within(20_000) });
    assert.deepEqual(result, { exitCode: 7, stdout: "a'b", stderr: 'oops\n', truncated: false });
    const { stdout } = await host.run(sh`env | cut -d= -f1 | sort | tr '\n' ' '`, { as, signal: within(20_000) });
    assert.equal(stdout, 'LC_ALL PATH PWD SYSTEMD_COLORS SYSTEMD_PAGER ');
  });

  it('asks for no more sessions than sshd allows, and the rest waits', async () => {
    const host = open();
    const script = sh`sleep 0.1; echo done`;
    const results = await Promise.all(
      Array.from({ length: 30 }, () => host.run(script, { as, signal: within(30_000) })),
    );
    assert.ok(results.every(({ stdout }) => stdout === 'done\n'));
    const connections = await machine.sh("grep -l 'sshd' /proc/[0-9]*/comm | wc -l");
    assert.ok(Number(connections) <= 6, `one connection for all of it, not ${connections} processes of sshd`);
  });

  it('keeps so much output and no more', async () => {
    const script = sh`head -c 1000000 /dev/zero | tr '\0' x`;
    const { stdout, truncated } = await open().run(script, { as, signal: within(20_000), outputBytes: 1_000 });
    assert.deepEqual([stdout.length, truncated], [1_000, true]);
  });

  it('ends a command with its call, where it should not outlive it', async () => {
    const sleeping = (): Promise<string> => machine.sh('grep -lx sleep /proc/[0-9]*/comm || true');
    assert.equal(await sleeping(), '');
    const running = open().run(sh`sleep 1000; true`, { as, lives: 'untilClosed', signal: within(2_000) });
    running.catch(() => undefined);
    await until(async () => (await sleeping()) !== '');
    await assert.rejects(running, { name: 'TimeoutError' });
    await until(async () => (await sleeping()) === '');
    const mark = '/tmp/to-its-end';
    await assert.rejects(open().run(sh`sleep 1; touch ${mark}`, { as, signal: within(700) }));
    await until(async () => (await machine.sh(`ls ${mark} 2>/dev/null || true`)) === mark);
  });

  it('follows output until the reader has had enough', async () => {
    const host = open();
    const script = sh`n=0; while :; do n=$((n + 1)); echo line $n; sleep 0.05; done`;
    let seen = '';
    for await (const chunk of host.follow(script, { as, signal: within(20_000) })) {
      seen += chunk.toString('utf8');
      if (seen.includes('line 3\n')) break;
    }
    assert.match(seen, /^line 1\nline 2\nline 3\n/);
  });

  it('another key than the pinned one: nothing is sent, and it is not tried again at once', async () => {
    const wrong = `SHA256:${'A'.repeat(43)}`;
    const host = open({ hostKey: wrong });
    const expected = {
      retryable: false,
      message: /has the host key SHA256:.+, and SHA256:A+ is pinned: nothing was sent/,
    };
    await fails(host.run(sh`touch /tmp/reached`, { as, signal: within(20_000) }), expected);
    const before = await connectionsSeen(machine);
    await fails(host.run(sh`touch /tmp/reached`, { as, signal: within(20_000) }), expected);
    assert.equal(await connectionsSeen(machine), before, 'no second attempt');
    assert.equal(await machine.sh('ls /tmp/reached 2>/dev/null || true'), '');
  });

  it('says whose login was refused, what is wrong with a key, and that there is none', async () => {
    const run = (host: SshHost): Promise<unknown> => host.run(sh`true`, { as, signal: within(20_000) });
    await fails(run(open({ user: 'stranger' })), { retryable: false, message: /stranger@.* refused the key test/ });
    const broken = { kind: 'key', name: 'test', privateKey: 'nonsense' } as const;
    await fails(run(open({ login: broken })), { retryable: false, message: /cannot be used/ });
    await assert.rejects(run(open({ login: { kind: 'agent', socket: undefined } })), /neither a key nor an agent/);
  });

  it('a key of an agent will do', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-agent-'));
    const socket = join(folder, 'agent');
    const agent = execFileSync('ssh-agent', ['-a', socket]).toString('utf8');
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
    t.after(() => {
      process.kill(pid);
      rmSync(folder, { recursive: true, force: true });
    });
    execFileSync('ssh-add', ['-q', machine.keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    const result = await open({ login: { kind: 'agent', socket } }).run(sh`id -un`, { as, signal: within(20_000) });
    assert.equal(result.stdout, 'root\n');
  });

  it('a connection that breaks in the middle of a command is an error to be tried again, and the next call connects anew', async () => {
    const host = open();
    const running = host.run(sh`touch /tmp/under-way; sleep 30`, { as, signal: within(25_000) });
    running.catch(() => undefined);
    await until(async () => (await machine.sh('ls /tmp/under-way 2>/dev/null || true')) !== '');
    await machine.sh(killSessions('KILL'));
    await fails(running, { retryable: true, message: /broke in the middle of a command/ });
    const result = await host.run(sh`echo again`, { as, signal: within(20_000) });
    assert.equal(result.stdout, 'again\n');
  });

  it('a sshd that hangs ends no later than the call, and is served again when it goes on', async () => {
    const host = open();
    await host.run(sh`true`, { as, signal: within(20_000) });
    await machine.sh(killSessions('STOP'));
    const before = performance.now();
    await assert.rejects(host.run(sh`echo hi`, { as, signal: within(400) }), { name: 'TimeoutError' });
    assert.ok(performance.now() - before < 5_000);
    await machine.sh(killSessions('CONT'));
    assert.equal((await host.run(sh`echo hi`, { as, signal: within(20_000) })).stdout, 'hi\n');
  });

  it('a sshd that is gone is told with the reason, and found again when it is back', async () => {
    const host = open();
    await machine.sh(`systemctl stop ssh; ${killSessions('KILL')}`);
    try {
      for (let call = 0; call < 3; call += 1)
        await fails(host.run(sh`true`, { as, signal: within(20_000) }), { retryable: true, message: /ECONNREFUSED/ });
    } finally {
      await machine.sh('systemctl start ssh');
    }
    await until(async () => {
      const result = await host.run(sh`echo back`, { as, signal: within(20_000) }).catch(() => undefined);
      return result?.stdout === 'back\n';
    });
  });
});

/** Every process of sshd but the one that listens. */
const killSessions = (signal: string): string =>
  `for f in $(grep -l '^sshd$' /proc/[0-9]*/comm); do p=\${f#/proc/}; p=\${p%/comm}; [ "$p" = "$(systemctl show -P MainPID ssh)" ] || kill -${signal} $p; done; true`;

/** How often anybody connected, as sshd tells the journal. */
const connectionsSeen = async (machine: TestHost): Promise<number> =>
  Number(await machine.sh('journalctl --sync; journalctl -u ssh -o cat | wc -l'));
