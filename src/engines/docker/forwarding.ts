import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

/** Streams to one daemon at a time; the rest waits in the agent. They share one SSH connection with everything else. */
const maxForwarded = 8;

/** Requests over streams that somebody else opens: one connection to the host instead of one for each request. */
export const forwardingAgent = (open: () => Promise<Duplex>): Agent =>
  new ForwardingAgent(open, { keepAlive: true, maxSockets: maxForwarded });

class ForwardingAgent extends Agent {
  readonly #open: () => Promise<Duplex>;

  constructor(open: () => Promise<Duplex>, options: ConstructorParameters<typeof Agent>[0]) {
    super(options);
    this.#open = open;
  }

  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#open().then(
      (stream) => done?.(null, asSocket(stream)),
      // With an error nobody looks at the stream.
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    );
  }
}

/** What node's HTTP client asks of a socket and a stream does not have: there is nothing to be set. */
function asSocket(stream: Duplex): Duplex {
  const nothing = (): Duplex => stream;
  return Object.assign(stream, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
    destroySoon: () => void stream.destroy(),
  });
}
