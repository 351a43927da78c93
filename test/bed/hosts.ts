import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { docker, dockerEndpoint, dockerSocket, needsDocker, waitUntil } from './docker.ts';

const run = promisify(execFile);

/** Made by `bed.sh up`. */
const hostImage = 'muster-test/host:1';

/** A machine of a test's own: a container that boots systemd and sshd. */
export interface TestHost {
  /** Its address on the bridge: what listens in it is reached there. */
  readonly ip: string;
  /** `ssh://root@IP:22` */
  readonly endpoint: string;
  /** `SHA256:…` */
  readonly hostKey: string;
  /** A private key that may log in as `root`, as `deploy` (sudo without a password) and as `guest` (no sudo). */
  readonly keyFile: string;
  readonly privateKey: string;
  /** Runs a script as root in it, not over SSH; its standard output. */
  sh(script: string): Promise<string>;
  /** Off and on again. Its address may be another one then. */
  restart(): Promise<void>;
  /** Removes it. Always call it. */
  close(): Promise<void>;
}

/** Options for a test that needs hosts: a visible skip on a laptop without them, an error in CI. */
export async function needsHosts(): Promise<{ readonly skip?: string }> {
  const options = await needsDocker();
  if (options.skip !== undefined) return options;
  try {
    await docker(dockerEndpoint, 'image', 'inspect', hostImage);
    return {};
  } catch {
    const message = `no image ${hostImage}: run \`bash test/bed/bed.sh install && bash test/bed/bed.sh up\` as root`;
    if (process.env['CI'] === 'true') throw new Error(message);
    return { skip: message };
  }
}

/** `docker: 'shared'`: the daemon of this machine listens in it. */
export async function startHost(options: { readonly docker?: 'shared' } = {}): Promise<TestHost> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-host-'));
  const keyFile = join(folder, 'id_ed25519');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', keyFile]);
  const socket = options.docker === undefined ? [] : ['-v', `${dockerSocket}:${dockerSocket}`];
  const id = await docker(
    dockerEndpoint,
    'run',
    '-d',
    ...flags,
    ...socket,
    '-v',
    `${keyFile}.pub:/etc/ssh/authorized_keys:ro`,
    hostImage,
  );
  const sh = (script: string): Promise<string> => docker(dockerEndpoint, 'exec', id, 'sh', '-c', script);
  const close = async (): Promise<void> => {
    await docker(dockerEndpoint, 'rm', '-fv', id);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const ip = await docker(dockerEndpoint, 'inspect', '-f', '{{.NetworkSettings.IPAddress}}', id);
    const ready = (): Promise<string> =>
      waitUntil('the host', 60_000, () => sh('systemctl is-system-running && systemctl is-active ssh'));
    await ready();
    const hostKey = /SHA256:\S+/.exec(await sh('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub'))?.[0] ?? '';
    const restart = async (): Promise<void> => {
      await docker(dockerEndpoint, 'restart', id);
      await ready();
    };
    const privateKey = await readFile(keyFile, 'utf8');
    return { ip, endpoint: `ssh://root@${ip}:22`, hostKey, keyFile, privateKey, sh, restart, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What lets systemd run in a container that is not privileged: see `entry.sh` in host-image.sh. */
const flags = [
  '--cgroupns=private',
  '--cap-add=ALL',
  // A machine that lacks this capability itself cannot give it to anybody.
  '--cap-drop=SYS_RESOURCE',
  '--cap-drop=SYS_TIME',
  '--cap-drop=SYS_MODULE',
  '--security-opt=seccomp=unconfined',
  '--security-opt=apparmor=unconfined',
  '--security-opt=systempaths=unconfined',
  '--tmpfs=/run',
  '--tmpfs=/run/lock',
  '--stop-signal=SIGRTMIN+3',
  '--label=io.muster.cluster=test-host',
] as const;
