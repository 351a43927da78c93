export interface SshAddress {
  readonly user: string;
  readonly host: string;
  readonly port: number;
}

/** `ssh://root@host:22` → its parts; undefined for anything else. */
export function parseSshEndpoint(endpoint: string): SshAddress | undefined {
  if (!endpoint.startsWith('ssh://') || !URL.canParse(endpoint)) return undefined;
  const { username, hostname, port, password, pathname, search } = new URL(endpoint);
  if (hostname === '' || password !== '' || !['', '/'].includes(pathname) || search !== '') return undefined;
  return {
    user: username === '' ? 'root' : decodeURIComponent(username),
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 22 : Number(port),
  };
}
