// node --import tsx bench/docker-apply.ts [CONTAINERS]: Muster's apply against the daemon's own rate, in one run.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printTable } from './measure.ts';

/** The baseline: containers a second that the daemon itself creates and starts, in one run with what it is compared to. */
export interface RawRate {
  readonly containers: number;
  readonly seconds: number;
  readonly perSecond: number;
}

const socketPath = '/var/run/docker.sock';
const apiVersion = 'v1.41';
/** Containers in the making at once, on both sides; 4 is Muster's default for a node. */
const concurrencies = [4, 8, 16];
/** Requests at once when tidying up. */
const tidying = 8;

/**
 * Creates and starts small containers with plain HTTP requests, nothing of Muster and no client library in between:
 * what the daemon itself can do. The containers are removed afterwards, outside the measurement.
 */
export async function rawRate(options: {
  readonly image: string;
  readonly containers: number;
  readonly concurrency: number;
}): Promise<RawRate> {
  const run = createHash('sha256').update(`${process.pid}.${process.hrtime.bigint()}`).digest('hex').slice(0, 12);
  const ids: string[] = [];
  const began = process.hrtime.bigint();
  try {
    await inParallel(options.containers, options.concurrency, async (index) => {
      const created = await ask('POST', `/containers/create?name=bench.${run}.${index}`, {
        Image: options.image,
        HostConfig: { NanoCpus: 50_000_000, Memory: 16 << 20, MemorySwap: 16 << 20 },
      });
      const { Id: id } = JSON.parse(created) as { readonly Id: string };
      ids.push(id);
      await ask('POST', `/containers/${id}/start`);
    });
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    return { containers: options.containers, seconds, perSecond: options.containers / seconds };
  } finally {
    await inParallel(ids.length, options.concurrency, (index) =>
      ask('DELETE', `/containers/${ids[index]}?force=true&v=true`),
    );
  }
}

/** Runs `work(0)` to `work(count - 1)`, so many at a time. */
async function inParallel(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
}

function ask(method: string, path: string, body?: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { Host: 'docker', ...(body !== undefined && { 'Content-Type': 'application/json' }) };
    const sent = request({ socketPath, path: `/${apiVersion}${path}`, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if ((response.statusCode ?? 500) < 400) resolve(text);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The same containers through the whole of Muster: plan, journal, apply. The time is that of the run alone, from its history. */
async function musterRate(containers: number, concurrency: number): Promise<RawRate> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const muster = (...args: readonly string[]): string =>
    execFileSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    writeFileSync(join(folder, 'cluster.yaml'), configOf(containers, concurrency));
    muster('apply', folder, '--auto-approve');
    const [run] = JSON.parse(muster('history', folder, '-o', 'json')) as {
      readonly startedAt: number;
      readonly endedAt: number;
    }[];
    if (run === undefined) throw new Error('no run in the history');
    const seconds = (run.endedAt - run.startedAt) / 1000;
    return { containers, seconds, perSecond: containers / seconds };
  } finally {
    const filters = encodeURIComponent(JSON.stringify({ name: ['^/musterbench[.]'] }));
    const made = JSON.parse(await ask('GET', `/containers/json?all=true&filters=${filters}`)) as {
      readonly Id: string;
    }[];
    await inParallel(made.length, tidying, (index) =>
      ask('DELETE', `/containers/${made[index]?.Id}?force=true&v=true`),
    );
    rmSync(folder, { recursive: true, force: true });
  }
}

const configOf = (containers: number, concurrency: number): string => `
apiVersion: muster/v1
kind: Cluster
metadata: {name: musterbench}
spec: {apply: {parallelism: 32, perNode: ${concurrency}}}
---
apiVersion: muster/v1
kind: Pod
metadata: {name: local}
spec: {}
---
apiVersion: muster/v1
kind: Node
metadata: {name: local-1}
spec:
  pod: local
  engines: {docker: {endpoint: "unix://${socketPath}", publishAddress: 127.0.0.1}}
  capacity: {cpu: 1000, memory: 1TiB}
---
apiVersion: muster/v1
kind: Workload
metadata: {name: small, namespace: default}
spec:
  type: stateless
  engine: docker
  image: muster-test/busybox:1
  replicas: ${containers}
  resources: {cpu: 50m, memory: 16MiB}
  update: {groups: [100%], observe: 0s}
`;

if (process.argv[1] === import.meta.filename) {
  const containers = Number(process.argv[2] ?? 50);
  const rows: { readonly concurrency: number; readonly raw: RawRate; readonly muster: RawRate }[] = [];
  for (const concurrency of concurrencies) {
    const raw = await rawRate({ image: 'muster-test/busybox:1', containers, concurrency });
    rows.push({ concurrency, raw, muster: await musterRate(containers, concurrency) });
  }
  const best = Math.max(...rows.map(({ raw }) => raw.perSecond));
  printTable(
    `node --import tsx bench/docker-apply.ts ${containers}: containers created and started a second`,
    ['at once', 'daemon', 'Muster', 'ratio (goal ≥ 0.80)', 'ratio to the best of the daemon'],
    rows.map(({ concurrency, raw, muster }) => [
      String(concurrency),
      raw.perSecond.toFixed(2),
      muster.perSecond.toFixed(2),
      (muster.perSecond / raw.perSecond).toFixed(2),
      (muster.perSecond / best).toFixed(2),
    ]),
  );
}
