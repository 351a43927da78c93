import type Docker from 'dockerode';

interface DialOptions {
  readonly method?: string;
  readonly path: string;
}
type Reply = (error: unknown, body: unknown) => void;
type Dial = (options: DialOptions, reply: Reply) => unknown;

/**
 * A connection that is kept may be closed by the daemon, or by something on the way to it, in the moment in which it is
 * used again: that says nothing of the daemon. What only reads is asked again then, until there is no kept connection
 * left that it could have been.
 */
export function repeatReads(docker: Docker, { keptConnections }: { readonly keptConnections: number }): void {
  const modem = docker.modem as { dial: Dial };
  const dial = modem.dial.bind(modem);
  const attempt = (options: DialOptions, reply: Reply, left: number): unknown =>
    // Dialling writes into its options.
    dial({ ...options }, (error, body) => {
      if (left > 0 && isClosed(error)) attempt(options, reply, left - 1);
      else reply(error, body);
    });
  modem.dial = (options, reply) => attempt(options, reply, options.method === 'GET' ? keptConnections : 0);
}

function isClosed(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}
