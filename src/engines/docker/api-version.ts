import type Docker from 'dockerode';

/** The oldest API that Muster speaks (Docker 20.10). A newer daemon is asked in it as long as it allows it. */
const oldestApiVersion = '1.41';

interface DaemonVersion {
  readonly ApiVersion?: string;
  readonly MinAPIVersion?: string;
}

type Reply = (error: unknown, body: unknown) => void;
type Dial = (this: unknown, request: unknown, reply: Reply) => unknown;

/**
 * Before the first request of a connection, asks the daemon which API versions it speaks: recent ones (Docker 29) refuse
 * the old ones, and a request without a version is deprecated. Asked again after a failure, as the daemon may be another.
 */
export function negotiateApiVersion(docker: Docker): void {
  const modem = docker.modem as { dial: Dial; version?: string };
  const dial = modem.dial.bind(modem) as (request: unknown, reply: Reply) => unknown;
  let negotiated: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    const answer = await new Promise<unknown>((resolve, reject) => {
      const statusCodes = { 200: true, 500: 'server error' };
      dial({ path: '/version', method: 'GET', statusCodes }, (error, body) => (error ? reject(error) : resolve(body)));
    });
    modem.version = `v${chooseApiVersion(answer as DaemonVersion)}`;
  };

  modem.dial = (request, reply) => {
    negotiated ??= ask().catch((error: unknown) => {
      negotiated = undefined;
      throw error;
    });
    negotiated.then(
      () => dial(request, reply),
      (error: unknown) => reply(error, undefined),
    );
  };
}

/** The lowest version that both speak. Throws where the daemon is older than Muster's oldest. */
export function chooseApiVersion({ ApiVersion, MinAPIVersion }: DaemonVersion): string {
  const newest = ApiVersion ?? oldestApiVersion;
  if (compareVersions(newest, oldestApiVersion) < 0) {
    throw new Error(
      `the daemon speaks API ${newest} at most, and Muster ${oldestApiVersion} at least: Docker 20.10 or newer`,
    );
  }
  const lowest = MinAPIVersion ?? oldestApiVersion;
  return compareVersions(lowest, oldestApiVersion) > 0 ? lowest : oldestApiVersion;
}

function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}
