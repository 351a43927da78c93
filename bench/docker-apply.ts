import { createHash } from 'node:crypto';
import { request } from 'node:http';

/** `baseline`: containers a second that the daemon itself creates and starts, in one run with what it is compared to. */
export interface RawRate {
  readonly containers: number;
  readonly seconds: number;
  readonly perSecond: number;
}

const socketPath = '/var/run/docker.sock';
const apiVersion = 'v1.41';

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
