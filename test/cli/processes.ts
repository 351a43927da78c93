import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyExample } from './muster.ts';

interface StateFile {
  readonly supervisor?: { readonly pid: number };
  readonly child?: { readonly pid: number };
}

/** Process ids of the instances of a cluster, by object directory (`quickstart.shop.web.0.g1`), read from its nodes. */
export async function processesOf(cluster: string): Promise<ReadonlyMap<string, StateFile>> {
  const found = new Map<string, StateFile>();
  const nodes = join(cluster, '.muster/nodes');
  for (const node of await readdir(nodes).catch((): string[] => [])) {
    for (const object of await readdir(join(nodes, node)).catch((): string[] => [])) {
      const text = await readFile(join(nodes, node, object, 'state.json'), 'utf8').catch(() => undefined);
      if (text !== undefined) found.set(object, JSON.parse(text) as StateFile);
    }
  }
  return found;
}

/** Ends every process that the cluster started, each by its own pid; the supervisor first, so that it restarts nothing. */
export async function endProcesses(cluster: string): Promise<void> {
  for (const { supervisor, child } of (await processesOf(cluster)).values()) {
    for (const pid of [supervisor?.pid, child?.pid]) {
      if (pid === undefined) continue;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
  }
}

/** A quickstart with ports of its own, so that tests may run side by side; processes and files end with the test. */
export async function quickstart(t: { after(clean: () => Promise<void>): void }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  const copy = await copyExample('quickstart', dir);
  t.after(async () => {
    await endProcesses(copy);
    await rm(dir, { recursive: true, force: true });
  });
  const base = 26_000 + (await takeSlot(t)) * 120;
  await edit(join(copy, 'nodes/local.yaml'), (text) =>
    text.replaceAll(
      /range: 31(\d)00-31\d99/g,
      (_, node: string) => `range: ${base + Number(node) * 30}-${base + Number(node) * 30 + 29}`,
    ),
  );
  return copy;
}

const slots = 40;

/** A number that no other test on this machine has at the time: whoever makes its folder has it. */
async function takeSlot(t: { after(clean: () => Promise<void>): void }): Promise<number> {
  for (let i = 0; i < slots; i += 1) {
    const slot = (process.pid + i) % slots;
    const folder = join(tmpdir(), `muster-cli-ports-${slot}`);
    try {
      await mkdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST' && !(await isLeftOver(folder))) continue;
    }
    t.after(() => rm(folder, { recursive: true, force: true }));
    return slot;
  }
  throw new Error(
    `all ${slots} ranges of ports are taken: remove ${join(tmpdir(), 'muster-cli-ports-*')} if no test runs`,
  );
}

/** Of a test that was killed: no test takes as long as this. */
const longestMs = 30 * 60_000;

async function isLeftOver(folder: string): Promise<boolean> {
  const made = await stat(folder).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > longestMs;
}

export async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`the edit of ${file} changed nothing`);
  await writeFile(file, after);
}
