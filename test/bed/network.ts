import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network of a test's own: machines are network namespaces, joined by a bridge at which this machine has an address. */
export interface Network {
  /** This machine's address in it. */
  readonly address: string;
  readonly machines: readonly NetworkMachine[];
  /** Removes namespaces and bridge; end what runs in them first. */
  close(): Promise<void>;
}

export interface NetworkMachine {
  readonly address: string;
  /** Words before a command that run it there; the process keeps its pid. */
  readonly within: readonly string[];
  /** Packets to and from it are lost, and nobody is told. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  /** Packets to these machines are lost; what comes from them is not answered. */
  loses(others: readonly NetworkMachine[]): Promise<void>;
  finds(others: readonly NetworkMachine[]): Promise<void>;
}

/** Options for a test that makes networks. */
export function needsNetworks(): { readonly skip?: string } {
  const missing = process.getuid?.() === 0 ? canMakeOne() : 'network namespaces need root';
  if (missing === undefined) return {};
  if (process.env['CI'] === 'true') throw new Error(missing);
  return { skip: missing };
}

function canMakeOne(): string | undefined {
  try {
    const name = `mtp${process.pid}`;
    execFileSync('ip', ['netns', 'add', name], { env: environment(), stdio: 'pipe' });
    execFileSync('ip', ['netns', 'del', name], { env: environment(), stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `no network namespaces can be made: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` });
const ip = async (...words: readonly string[]): Promise<void> => void (await run('ip', words, { env: environment() }));
const iptables = async (...words: readonly string[]): Promise<void> =>
  void (await run('iptables', ['-w', ...words], { env: environment() }));

let made = 0;

export async function makeNetwork(size: number): Promise<Network> {
  made += 1;
  // Interface names have at most 15 characters; subnets of test processes that run side by side differ.
  const id = `${process.pid}${String.fromCharCode(96 + made)}`;
  const subnet = `10.${200 + (process.pid % 50)}.${(process.pid + made) % 250}`;
  const bridge = `mtb${id}`;
  await ip('link', 'add', 'name', bridge, 'type', 'bridge');
  await ip('address', 'add', `${subnet}.1/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  // Docker's firewall looks at what crosses bridges, too, and drops what is not its own.
  const passes = ['FORWARD', '-i', bridge, '-o', bridge, '-j', 'ACCEPT'];
  await iptables('-I', ...passes);
  const namespaces = Array.from({ length: size }, (_, index) => `mtn${id}${index}`);
  const machines: NetworkMachine[] = [];
  for (const [index, namespace] of namespaces.entries())
    machines.push(
      await addMachine({ namespace, bridge, link: `mtl${id}${index}`, address: `${subnet}.${10 + index}` }),
    );
  return {
    address: `${subnet}.1`,
    machines,
    close: async () => {
      for (const namespace of namespaces) await ip('netns', 'delete', namespace);
      await ip('link', 'delete', bridge);
      await iptables('-D', ...passes);
    },
  };
}

async function addMachine(of: {
  readonly namespace: string;
  readonly bridge: string;
  readonly link: string;
  readonly address: string;
}): Promise<NetworkMachine> {
  const { namespace, bridge, link, address } = of;
  const inside = (...words: readonly string[]): Promise<void> => ip('-n', namespace, ...words);
  await ip('netns', 'add', namespace);
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  await ip('link', 'set', link, 'master', bridge);
  await ip('link', 'set', link, 'up');
  await inside('address', 'add', `${address}/24`, 'dev', 'eth0');
  await inside('link', 'set', 'lo', 'up');
  await inside('link', 'set', 'eth0', 'up');
  return {
    address,
    within: ['ip', 'netns', 'exec', namespace],
    unplug: () => ip('link', 'set', link, 'down'),
    plug: () => ip('link', 'set', link, 'up'),
    loses: async (others) => {
      for (const other of others) await inside('route', 'add', 'blackhole', `${other.address}/32`);
    },
    finds: async (others) => {
      for (const other of others) await inside('route', 'delete', 'blackhole', `${other.address}/32`);
    },
  };
}
