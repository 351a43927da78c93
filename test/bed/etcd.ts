import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** PEM text for a client of a server that was started with `tls`. */
export interface EtcdCertificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A real etcd of one member on loopback ports of its own. */
export interface EtcdServer {
  /** `http(s)://127.0.0.1:port` */
  readonly endpoint: string;
  readonly certificates?: EtcdCertificates;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
  /** SIGKILL; data and ports stay for `restart`. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** SIGSTOP; resolves when it stands still. */
  pause(): Promise<void>;
  /** SIGCONT */
  resume(): void;
  /** Runs etcdctl on it; returns what it printed. */
  ctl(...words: readonly string[]): string;
}

export const etcdReadyMs = 60_000;

/** Options for `test(…)`: runs where etcd is installed, skips visibly elsewhere; with `CI=true` a missing etcd is an error. */
export function needsEtcd(): { readonly skip?: string } {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    execFileSync('etcdctl', ['version'], { stdio: 'ignore' });
    return {};
  } catch {
    const message = 'etcd is not installed: apt-get install etcd-server etcd-client';
    if (process.env['CI'] === 'true') throw new Error(message);
    return { skip: message };
  }
}

export async function startEtcd(
  options: {
    readonly tls?: boolean;
    readonly dataDir?: string;
    readonly quotaBytes?: number;
    /** Another than loopback, for a test with a network of its own. */
    readonly address?: string;
  } = {},
): Promise<EtcdServer> {
  const directory = mkdtempSync(join(tmpdir(), 'muster-etcd-'));
  const [clientPort, peerPort] = await Promise.all([freePort(), freePort()]);
  const scheme = options.tls === true ? 'https' : 'http';
  const endpoint = `${scheme}://${options.address ?? '127.0.0.1'}:${clientPort}`;
  const files = options.tls === true ? makeCertificates(join(directory, 'tls')) : undefined;
  const words = [
    ...['--name', 'one', '--data-dir', options.dataDir ?? join(directory, 'data'), '--log-level', 'error'],
    ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
    ...[
      '--listen-peer-urls',
      `http://127.0.0.1:${peerPort}`,
      '--initial-advertise-peer-urls',
      `http://127.0.0.1:${peerPort}`,
    ],
    ...['--initial-cluster', `one=http://127.0.0.1:${peerPort}`],
    ...(options.quotaBytes === undefined ? [] : ['--quota-backend-bytes', String(options.quotaBytes)]),
    ...(files === undefined
      ? []
      : [
          '--cert-file',
          files.serverCertificate,
          '--key-file',
          files.serverKey,
          '--trusted-ca-file',
          files.ca,
          '--client-cert-auth',
        ]),
  ];
  const tlsWords = files && ['--cacert', files.ca, '--cert', files.clientCertificate, '--key', files.clientKey];
  const ctl = (...command: readonly string[]): string =>
    execFileSync('etcdctl', ['--endpoints', endpoint, ...(tlsWords ?? []), ...command], {
      encoding: 'utf8',
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  let child = await spawnEtcd(words, ctl);
  return {
    endpoint,
    ...(files && {
      certificates: {
        ca: readFileSync(files.ca, 'utf8'),
        certificate: readFileSync(files.clientCertificate, 'utf8'),
        key: readFileSync(files.clientKey, 'utf8'),
      },
    }),
    async stop() {
      await endEtcd(child);
      rmSync(directory, { recursive: true, force: true });
    },
    kill: () => endEtcd(child),
    async restart() {
      await endEtcd(child);
      child = await spawnEtcd(words, ctl);
    },
    async pause() {
      child.kill('SIGSTOP');
      while (!/\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))) await sleep(5);
    },
    resume: () => void child.kill('SIGCONT'),
    ctl,
  };
}

async function spawnEtcd(
  words: readonly string[],
  ctl: (...words: readonly string[]) => string,
): Promise<ChildProcess> {
  const child = spawn('etcd', words, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] ?? '' } });
  let log = '';
  child.stderr?.on('data', (data: Buffer) => {
    log = (log + data.toString()).slice(-4000);
  });
  const deadline = performance.now() + etcdReadyMs;
  for (;;) {
    try {
      ctl('endpoint', 'health');
      return child;
    } catch (error) {
      // With authentication on, this is what a server that is ready says to a stranger.
      if (String((error as { stderr?: unknown }).stderr).includes('user name is empty')) return child;
      if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}: ${log}`);
      if (performance.now() > deadline) {
        await endEtcd(child);
        throw new Error(`etcd was not ready after ${etcdReadyMs} ms: ${log}`, { cause: error });
      }
      await sleep(50);
    }
  }
}

export async function endEtcd(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** An own CA, a certificate for 127.0.0.1 and one for the client. */
function makeCertificates(directory: string) {
  mkdirSync(directory);
  const path = (name: string): string => join(directory, name);
  const openssl = (...words: readonly string[]): void => {
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=muster test CA',
  );
  for (const name of ['server', 'client']) {
    openssl('req', ...key, '-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`);
    writeFileSync(
      path(`${name}.ext`),
      'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
    );
    openssl(
      ...[
        'x509',
        '-req',
        '-in',
        path(`${name}.csr`),
        '-CA',
        path('ca.pem'),
        '-CAkey',
        path('ca.key'),
        '-CAcreateserial',
      ],
      ...['-out', path(`${name}.pem`), '-days', '2', '-extfile', path(`${name}.ext`)],
    );
  }
  return {
    ca: path('ca.pem'),
    serverCertificate: path('server.pem'),
    serverKey: path('server.key'),
    clientCertificate: path('client.pem'),
    clientKey: path('client.key'),
  };
}
