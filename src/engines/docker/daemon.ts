import type { DockerClient } from './client.ts';
import { unlessStatus } from './errors.ts';

/** What of `docker info` is used. */
export interface DaemonInfo {
  /** The daemon's own id: another one means another daemon. */
  readonly ID: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly ServerVersion: string;
}

// dockerode takes an abort signal in these as well; its types do not say so.
type Abortable<T> = (options: { readonly abortSignal: AbortSignal }) => Promise<T>;

export const daemonInfo = ({ docker }: DockerClient, signal: AbortSignal): Promise<DaemonInfo> =>
  (docker.info.bind(docker) as unknown as Abortable<DaemonInfo>)({ abortSignal: signal });

export const pingDaemon = async ({ docker }: DockerClient, signal: AbortSignal): Promise<void> => {
  await (docker.ping.bind(docker) as unknown as Abortable<unknown>)({ abortSignal: signal });
};

/** dockerode's own `inspect` of an image cannot be aborted and would keep a connection to a daemon that hangs. */
export async function hasImage({ docker }: DockerClient, reference: string, signal: AbortSignal): Promise<boolean> {
  const request = {
    path: `/images/${reference}/json`,
    method: 'GET',
    abortSignal: signal,
    statusCodes: { 200: true, 404: 'no such image', 500: 'server error' },
  };
  const answer = new Promise<unknown>((resolve, reject) => {
    docker.modem.dial(request, (error: unknown, image: unknown) => (error ? reject(error) : resolve(image)));
  });
  return (await unlessStatus([404], answer)) !== undefined;
}
