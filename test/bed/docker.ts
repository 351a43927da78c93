import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TlsMaterial } from '../../src/engines/docker/client.ts';

const run = promisify(execFile);

export const dockerSocket = '/var/run/docker.sock';
export const dockerEndpoint = `unix://${dockerSocket}`;

/** Made by `bed.sh up`: `first` and `second` serve their version on $PORT_HTTP, the server of `broken` exits at once. */
export const testImages = {
  first: 'muster-test/busybox:1',
  second: 'muster-test/busybox:2',
  broken: 'muster-test/broken:1',
} as const;

/** Options for a test that needs dockerd: a visible skip on a laptop without it, an error in CI. */
export async function needsDocker(): Promise<{ readonly skip?: string }> {
  const missing = await whatIsMissing();
  if (missing === undefined) return {};
  const message = `${missing}: run \`bash test/bed/bed.sh install && bash test/bed/bed.sh up\` as root`;
  if (process.env['CI'] === 'true') throw new Error(message);
  return { skip: message };
}

/** The same for a daemon of the test's own, which takes root. */
export async function needsPrivateDockerd(): Promise<{ readonly skip?: string }> {
  const options = await needsDocker();
  if (options.skip !== undefined || process.getuid?.() === 0) return options;
  const message = 'a dockerd of the test’s own needs root';
  if (process.env['CI'] === 'true') throw new Error(message);
  return { skip: message };
}

async function whatIsMissing(): Promise<string | undefined> {
  if (!existsSync(dockerSocket)) return `no dockerd (there is no ${dockerSocket})`;
  try {
    for (const image of Object.values(testImages)) await docker(dockerEndpoint, 'image', 'inspect', image);
    return undefined;
  } catch (error) {
    return `no usable dockerd (${error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)})`;
  }
}

/** The docker CLI against one daemon, whatever the environment says; its standard output. */
export async function docker(endpoint: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', ['-H', endpoint, ...args], { env: plainEnvironment(), timeout: 120_000 });
  return stdout.trim();
}

/** Force-removes every container and volume of one test cluster. */
export async function removeClusterObjects(endpoint: string, clusterUid: string): Promise<void> {
  const filter = `label=io.muster.cluster=${clusterUid}`;
  const containers = await docker(endpoint, 'ps', '-aq', '--filter', filter);
  if (containers !== '') await docker(endpoint, 'rm', '-fv', ...containers.split('\n'));
  const volumes = await docker(endpoint, 'volume', 'ls', '-q', '--filter', filter);
  if (volumes !== '') await docker(endpoint, 'volume', 'rm', '-f', ...volumes.split('\n'));
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A dockerd that a test may stop, freeze and kill, with its own data, bridge and containerd, and the test images. */
export interface PrivateDockerd {
  /** unix:///… */
  readonly endpoint: string;
  /** tcp://127.0.0.1:…, TLS where asked for */
  readonly tcpEndpoint: string;
  readonly tls: TlsMaterial | undefined;
  /** kill -9 of the daemon alone, as a crash would. */
  kill(): Promise<void>;
  /** Orderly stop; containers stop as well. */
  stop(): Promise<void>;
  /** After `kill` or `stop`. */
  start(): Promise<void>;
  /** SIGSTOP: connections are accepted and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Stops everything and removes its data. Always call it. */
  close(): Promise<void>;
}

export async function startPrivateDockerd(options: { readonly tls: 'none' | 'mutual' }): Promise<PrivateDockerd> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-dockerd-'));
  const port = await freePort();
  const bridge = await addBridge(port);
  const tls = options.tls === 'mutual' ? await makeCertificates(folder) : undefined;
  const endpoint = `unix://${folder}/docker.sock`;
  let daemon: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    // What a killed daemon leaves keeps the next one from starting.
    await rm(join(folder, 'pid'), { force: true });
    await rm(join(folder, 'exec/containerd/containerd.pid'), { force: true });
    daemon = await spawnDaemon({ folder, port, bridge, tls: tls !== undefined });
    await waitUntil('private dockerd', 120_000, async () => {
      if (daemon?.exitCode !== null)
        throw new Error(`dockerd ended: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)}`);
      await docker(endpoint, 'info');
    });
  };
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const child = daemon;
    daemon = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await Promise.race([exited, sleep(60_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    await exited;
  };
  const close = async (): Promise<void> => {
    if (daemon !== undefined) {
      const containers = await docker(endpoint, 'ps', '-aq').catch(() => '');
      if (containers !== '') await docker(endpoint, 'rm', '-fv', ...containers.split('\n')).catch(() => '');
    }
    await end('SIGTERM');
    await killLeftovers(folder);
    await run('ip', ['link', 'del', bridge]).catch(() => undefined);
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };

  try {
    await start();
    await loadImages(endpoint);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    endpoint,
    tcpEndpoint: `tcp://127.0.0.1:${port}`,
    tls,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    start,
    freeze: () => freezeProcess(daemon?.pid),
    thaw: () => void daemon?.kill('SIGCONT'),
    close,
  };
}

/** The signal only asks: one of many threads may still answer a request. Returns when the process really stands still. */
function freezeProcess(pid: number | undefined): void {
  if (pid === undefined) return;
  process.kill(pid, 'SIGSTOP');
  const giveUpAt = Date.now() + 5_000;
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) {
    assert.ok(Date.now() < giveUpAt, `process ${pid} does not stop`);
  }
}

async function spawnDaemon(options: {
  readonly folder: string;
  readonly port: number;
  readonly bridge: string;
  readonly tls: boolean;
}): Promise<ChildProcess> {
  const { folder } = options;
  const log = await open(join(folder, 'log'), 'a');
  // Without iptables: a second daemon would flush the chains of the first. Ports are served by docker-proxy.
  const args = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`]
    .concat([
      '-b',
      options.bridge,
      '--iptables=false',
      '--ip-forward=false',
      '--ip-masq=false',
      '--shutdown-timeout',
      '3',
    ])
    .concat(['-H', `unix://${folder}/docker.sock`, '-H', `tcp://127.0.0.1:${options.port}`])
    .concat(options.tls ? ['--tlsverify', ...certificateArguments(folder)] : ['--tls=false']);
  const child = spawn('dockerd', args, { stdio: ['ignore', log.fd, log.fd], env: plainEnvironment() });
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  await log.close();
  return child;
}

const certificateArguments = (folder: string): string[] => [
  '--tlscacert',
  `${folder}/ca.pem`,
  '--tlscert',
  `${folder}/server.pem`,
  '--tlskey',
  `${folder}/server.key`,
];

async function loadImages(endpoint: string): Promise<void> {
  const archive = spawn('docker', ['-H', dockerEndpoint, 'save', ...Object.values(testImages)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const loader = spawn('docker', ['-H', endpoint, 'load', '-q'], { stdio: ['pipe', 'ignore', 'inherit'] });
  archive.stdout.pipe(loader.stdin);
  const code = await new Promise((resolve) => loader.once('exit', resolve));
  if (code !== 0) throw new Error(`docker load ended with ${code}`);
}

/** A bridge of its own: daemons that share docker0 take it from each other. */
async function addBridge(port: number): Promise<string> {
  const name = `mst${port}`;
  await run('ip', ['link', 'add', 'name', name, 'type', 'bridge']);
  await run('ip', ['addr', 'add', `10.${200 + (port % 50)}.${Math.floor(port / 50) % 250}.1/24`, 'dev', name]);
  await run('ip', ['link', 'set', name, 'up']);
  return name;
}

/** An authority, a server and a client certificate that live for a day. */
async function makeCertificates(folder: string): Promise<TlsMaterial> {
  const openssl = (...args: readonly string[]): Promise<unknown> => run('openssl', args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  for (const [name, extension] of [
    ['server', 'subjectAltName=IP:127.0.0.1'],
    ['client', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    await openssl(
      'req',
      ...key,
      '-subj',
      `/CN=${name}`,
      '-addext',
      extension,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-copy_extensions', 'copy'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.pem`);
  }
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') };
}

/**
 * containerd and shims of a killed daemon: ours are those whose command line names our folder. A container that it was
 * killed in the middle of starting names it in its mounts alone.
 */
async function killLeftovers(folder: string): Promise<void> {
  const ours = async (): Promise<number[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    return pids.filter((pid) => pid !== process.pid && namesFolder(pid, folder));
  };
  await waitUntil('the end of private containerd', 60_000, async () => {
    const left = await ours();
    for (const pid of left) tryKill(pid);
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
  });
}

function namesFolder(pid: number, folder: string): boolean {
  const line = textOf(`/proc/${pid}/cmdline`);
  return line.includes(folder) || (/^runc\0init/.test(line) && textOf(`/proc/${pid}/mountinfo`).includes(`${folder}/`));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Gone since it was listed.
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone since it was listed.
  }
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
    await run('umount', ['-l', mount]).catch(() => undefined);
  }
}

/** Repeats until it does not throw; the last error when time is up. */
export async function waitUntil<T>(what: string, timeoutMs: number, attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: error });
      await sleep(50);
    }
  }
}

function plainEnvironment(): NodeJS.ProcessEnv {
  const {
    DOCKER_HOST: _host,
    DOCKER_CONTEXT: _context,
    DOCKER_TLS_VERIFY: _tls,
    DOCKER_CERT_PATH: _path,
    ...rest
  } = process.env;
  return { ...rest, PATH: `${rest['PATH'] ?? ''}:/usr/sbin:/sbin` };
}
