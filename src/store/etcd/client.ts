import { ExponentialBackoff, noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import type { EtcdCredentials } from '../credentials.ts';
import { passingOver } from './members.ts';

export interface EtcdConnection {
  /** `http(s)://host:port` */
  readonly endpoints: readonly string[];
  readonly credentials?: EtcdCredentials;
}

/** One attempt of one call. */
const attemptMs = 3000;

/** A client with every mend that is a setting; "etcd3 N" is the defect's number in docs/decisions. */
export function createClient({ endpoints, credentials }: EtcdConnection): Etcd3 {
  return new Etcd3({
    hosts: [...endpoints],
    ...(credentials?.tls && { credentials: tlsOf(credentials.tls) }),
    ...(credentials?.user && { auth: { username: credentials.user.name, password: credentials.user.password } }),
    // etcd3 4: without a deadline a frozen server holds a call for ever. A deadline for each attempt; a stream has none.
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + attemptMs }),
    grpcOptions: {
      // etcd3 4: a frozen server never disconnects a watch; pings find it within 7 s.
      'grpc.keepalive_time_ms': 5000,
      'grpc.keepalive_timeout_ms': 2000,
      // etcd3 8: answers over 4 MiB fail.
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    },
    faultHandling: {
      // etcd3 2: the default policy repeats mutations; what may be repeated is decided in calls.ts and transaction.ts.
      global: noop,
      // etcd3 5: with one of three members down, circuit breakers failed hundreds of calls that another member would take.
      host: passingOver(endpoints),
      // etcd3 9: the default resumed watches 15 s late.
      watchBackoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 1000 }) as never,
    },
  });
}

function tlsOf(tls: NonNullable<EtcdCredentials['tls']>) {
  return {
    rootCertificate: Buffer.from(tls.ca),
    ...(tls.key !== undefined && { privateKey: Buffer.from(tls.key) }),
    ...(tls.certificate !== undefined && { certChain: Buffer.from(tls.certificate) }),
  };
}
