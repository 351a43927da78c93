import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker, dockerEndpoint, freePort } from './docker.ts';

/** Options for a test that needs a registry of images: a visible skip on a laptop without it, an error in CI. */
export function needsRegistry(): { readonly skip?: string } {
  if (spawnSync('docker-registry', ['--version']).status === 0) return {};
  const message = 'no docker-registry: run `bash test/bed/bed.sh install` as root';
  if (process.env['CI'] === 'true') throw new Error(message);
  return { skip: message };
}

/** Debian's docker-registry on loopback, which every daemon trusts without TLS. */
export interface Registry {
  /** `127.0.0.1:40123` */
  readonly address: string;
  /** An image of the daemon under these names in the registry; the daemon forgets the names again, so that it has to pull them. */
  publish(image: string, names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const waitMs = 30_000;

export async function startRegistry(): Promise<Registry> {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'muster-registry-'));
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(folder, 'config.yml');
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: "${address}"}\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  await answers(`http://${address}/v2/`);
  return {
    address,
    publish: async (image, names) => {
      for (const name of names) {
        const full = `${address}/${name}`;
        await docker(dockerEndpoint, 'tag', image, full);
        await docker(dockerEndpoint, 'push', '-q', full);
        await docker(dockerEndpoint, 'rmi', full);
      }
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const reply = await fetch(url).catch(() => undefined);
    if (reply?.ok === true) return;
    if (Date.now() > deadline) throw new Error(`${url} does not answer`);
    await sleep(50);
  }
}
