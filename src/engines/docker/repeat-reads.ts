import type Docker from 'dockerode';

interface DialOptions {
  readonly method?: string;
  readonly path: string;
}
type Reply = (error: unknown, body: unknown) => void;
type Dial = (options: DialOptions, reply: Reply) => unknown;

/**
 * A connection that is kept may be closed by the daemon, or by something on the way to it, in the moment in which it is
 * used again: that says nothing of the daemon. What only reads is asked once more then, on another connection.
 */
export function repeatReads(docker: Docker): void {
  const modem = docker.modem as { dial: Dial };
  const dial = modem.dial.bind(modem);
  modem.dial = (options, reply) =>
    // Dialling writes into its options.
    dial({ ...options }, (error, body) => {
      if (options.method === 'GET' && isClosed(error)) dial({ ...options }, reply);
      else reply(error, body);
    });
}

function isClosed(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}
