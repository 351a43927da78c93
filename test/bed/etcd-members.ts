import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endEtcd, etcdReadyMs, freePort } from './etcd.ts';
import type { NetworkMachine } from './network.ts';

/** A real etcd of several members, each a process of its own. */
export interface EtcdMembers {
  /** All of them: `http://127.0.0.1:1,127.0.0.1:2,…` */
  readonly endpoint: string;
  readonly members: readonly EtcdMember[];
  /** Index of the member that leads; waits until one does. */
  leader(): Promise<number>;
  /** Resolves when every member answers. */
  healthy(): Promise<void>;
  /** Ends all and removes their data. */
  stop(): Promise<void>;
}

export interface EtcdMember {
  /** `host:port` for clients. */
  readonly address: string;
  /** SIGKILL; its data stay for `start`. */
  kill(): Promise<void>;
  start(): void;
  /** SIGSTOP: connections are accepted and nothing is answered. */
  pause(): void;
  resume(): void;
}

/** `machines`: members that live in a network of their own, as many as there are machines; else three on loopback. */
export async function startEtcdMembers(
  options: { readonly machines?: readonly NetworkMachine[] } = {},
): Promise<EtcdMembers> {
  const directory = mkdtempSync(join(tmpdir(), 'muster-etcds-'));
  const places = await Promise.all((options.machines ?? [undefined, undefined, undefined]).map(placeOf));
  const initial = places.map(({ peer }, index) => `m${index}=http://${peer}`).join(',');
  const members = places.map((place, index) => memberOf({ ...place, name: `m${index}`, initial, directory }));
  const all = places.map(({ client }) => client).join(',');
  const ctl = (...words: readonly string[]): string =>
    execFileSync('etcdctl', ['--endpoints', all, '--command-timeout', '2s', ...words], {
      encoding: 'utf8',
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  for (const member of members) member.start();
  const etcd: EtcdMembers = {
    endpoint: `http://${all}`,
    members,
    leader: () => eventually('an etcd leader', () => leaderIn(ctl('endpoint', 'status', '-w', 'json'), places)),
    healthy: () => eventually('every etcd member healthy', () => void ctl('endpoint', 'health')),
    stop: async () => {
      await Promise.all(members.map((member) => member.kill()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await etcd.healthy();
  } catch (error) {
    await etcd.stop();
    throw error;
  }
  return etcd;
}

interface Place {
  /** `host:port` */
  readonly client: string;
  readonly peer: string;
  readonly within: readonly string[];
}

async function placeOf(machine: NetworkMachine | undefined): Promise<Place> {
  const [client, peer] = machine === undefined ? [await freePort(), await freePort()] : [2379, 2380];
  const host = machine?.address ?? '127.0.0.1';
  return { client: `${host}:${client}`, peer: `${host}:${peer}`, within: machine?.within ?? [] };
}

function memberOf(
  of: Place & { readonly name: string; readonly initial: string; readonly directory: string },
): EtcdMember {
  const { client, peer, within, name, initial, directory } = of;
  const [command = 'etcd', ...words] = [
    ...within,
    ...['etcd', '--name', name, '--data-dir', join(directory, name), '--log-level', 'panic'],
    ...['--listen-client-urls', `http://${client}`, '--advertise-client-urls', `http://${client}`],
    ...['--listen-peer-urls', `http://${peer}`, '--initial-advertise-peer-urls', `http://${peer}`],
    ...['--initial-cluster', initial],
  ];
  let child: ChildProcess | undefined;
  return {
    address: client,
    start: () => {
      child = spawn(command, words, {
        stdio: 'ignore',
        env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
      });
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill: async () => {
      if (child !== undefined) await endEtcd(child);
    },
  };
}

interface MemberStatus {
  readonly Endpoint: string;
  readonly Status: { readonly leader?: number; readonly header: { readonly member_id: number } };
}

function leaderIn(text: string, places: readonly Place[]): number {
  // Ids are beyond what a JSON number holds exactly; both sides are rounded in the same way.
  const statuses = JSON.parse(text) as readonly MemberStatus[];
  const found = statuses.find(({ Status: { leader, header } }) => leader !== undefined && leader === header.member_id);
  const index = places.findIndex(({ client }) => client === found?.Endpoint);
  if (index < 0) throw new Error(`no member leads: ${text}`);
  return index;
}

const lookAgainMs = 100;

async function eventually<T>(what: string, attempt: () => T): Promise<T> {
  const deadline = performance.now() + etcdReadyMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${etcdReadyMs} ms`, { cause: error });
      await sleep(lookAgainMs);
    }
  }
}
