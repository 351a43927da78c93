import { report, type Where } from './reading.ts';
import type { Node } from './schema-types.generated.ts';

/** What belongs to one kind of endpoint and means nothing to another, or is missing there. */
export function checkDocker(docker: NonNullable<Node['spec']['engines']['docker']>, { reading, pointer }: Where): void {
  const { endpoint, tls, hostKey, credential } = docker;
  const overSsh = endpoint.startsWith('ssh://');
  const onlyFor = (key: string, kind: string): void => {
    const message = `${key} is only for ${kind} endpoints`;
    report(reading, { code: 'MUS1320', pointer: `${pointer}/${key}`, target: 'key', message });
  };
  if (tls !== undefined && !endpoint.startsWith('tcp://')) onlyFor('tls', 'tcp://');
  if (overSsh) {
    checkSshEndpoint(endpoint, { reading, pointer: `${pointer}/endpoint` });
    if (hostKey !== undefined) return;
    report(reading, {
      code: 'MUS1320',
      pointer: `${pointer}/endpoint`,
      message: 'an ssh:// endpoint needs the key of its host',
      found: endpoint,
      hint: 'add hostKey: what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints there',
    });
    return;
  }
  if (hostKey !== undefined) onlyFor('hostKey', 'ssh://');
  if (credential !== undefined) onlyFor('credential', 'ssh://');
}

export function checkSshEndpoint(endpoint: string, { reading, pointer }: Where): void {
  if (URL.canParse(endpoint) && isPlain(new URL(endpoint))) return;
  const message = 'it is not the address of a host';
  report(reading, { code: 'MUS1320', pointer, message, found: endpoint, allowed: ['ssh://USER@HOST:PORT'] });
}

/** A password would be in git, and a path leads nowhere. */
const isPlain = ({ hostname, password, pathname, search, hash }: URL): boolean =>
  hostname !== '' && password === '' && (pathname === '' || pathname === '/') && search === '' && hash === '';
