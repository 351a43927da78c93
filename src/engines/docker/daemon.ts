import type { DockerClient } from './client.ts';
import { unlessStatus } from './errors.ts';

/** What of `docker info` is used. */
export interface DaemonInfo {
  /** The daemon's own id: another one means another daemon. */
  readonly ID: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly ServerVersion: string;
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  /** Whether the kernel counts swap, and processes. */
  readonly SwapLimit?: boolean;
  readonly PidsLimit?: boolean;
  readonly MemoryLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly CPUShares?: boolean;
  readonly CPUSet?: boolean;
  readonly IPv4Forwarding?: boolean;
  /** `1` or `2`. */
  readonly CgroupVersion?: string;
  /** Storage driver. */
  readonly Driver?: string;
  readonly DriverStatus?: readonly (readonly [string, string])[];
  /** By its own clock, RFC 3339 with nanoseconds. */
  readonly SystemTime: string;
}

// dockerode takes an abort signal in these as well; its types do not say so.
type Abortable<T> = (options: { readonly abortSignal: AbortSignal }) => Promise<T>;

export const daemonInfo = ({ docker }: DockerClient, signal: AbortSignal): Promise<DaemonInfo> =>
  (docker.info.bind(docker) as unknown as Abortable<DaemonInfo>)({ abortSignal: signal });

/** Whoever asks while an answer is on its way gets that one: for it the daemon runs programs, and a look needs it twice. */
export function openInfo(client: DockerClient): (signal: AbortSignal) => Promise<DaemonInfo> {
  let asked: Promise<DaemonInfo> | undefined;
  return (signal) => {
    asked ??= daemonInfo(client, signal).finally(() => {
      asked = undefined;
    });
    return asked;
  };
}

export const pingDaemon = async ({ docker }: DockerClient, signal: AbortSignal): Promise<void> => {
  await (docker.ping.bind(docker) as unknown as Abortable<unknown>)({ abortSignal: signal });
};

export const hasImage = (client: DockerClient, reference: string, signal: AbortSignal): Promise<boolean> =>
  exists(client, `/images/${reference}/json`, signal);

export const hasNetwork = (client: DockerClient, name: string, signal: AbortSignal): Promise<boolean> =>
  exists(client, `/networks/${encodeURIComponent(name)}`, signal);

/** dockerode's own `inspect` of these cannot be aborted and would keep a connection to a daemon that hangs. */
async function exists({ docker }: DockerClient, path: string, signal: AbortSignal): Promise<boolean> {
  const request = {
    path,
    method: 'GET',
    abortSignal: signal,
    statusCodes: { 200: true, 404: 'not there', 500: 'server error' },
  };
  const answer = new Promise<unknown>((resolve, reject) => {
    docker.modem.dial(request, (error: unknown, found: unknown) => (error ? reject(error) : resolve(found)));
  });
  return (await unlessStatus([404], answer)) !== undefined;
}
