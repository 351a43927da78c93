import type { EtcdCredentials } from './credentials.ts';
import { type Store, StoreError } from './store.ts';

/** Where a store is; what `--store` and `Cluster.spec.store` say. */
export type StoreLocation =
  | { readonly kind: 'embedded'; readonly path: string }
  | { readonly kind: 'etcd'; readonly endpoints: readonly string[]; readonly prefix: string };

/**
 * `read` never writes, not even a directory: a store that is not there yet is an empty one. `write` is for who takes the
 * lease; of the embedded store there is one such. `beside` writes single records (overrides, requests) beside that one,
 * and gets no lease.
 */
export type StoreMode = 'read' | 'write' | 'beside';

export interface StoreOptions {
  readonly location: StoreLocation;
  /** Keys of clusters that share a store never meet. */
  readonly cluster: string;
  readonly mode: StoreMode;
  readonly credentials?: EtcdCredentials;
}

/**
 * Opens a store. Throws `StoreError`: `locked` when another process writes to the embedded store, `corrupt` when its file
 * is damaged. An etcd that cannot be reached shows itself at the first call.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { location, cluster, mode, credentials } = options;
  // Imported when needed: a native module and gRPC would slow down every `--help`.
  if (location.kind === 'embedded') {
    const { openEmbeddedStore } = await import('./embedded/store.ts');
    return await openEmbeddedStore({ path: location.path, cluster, mode });
  }
  const { openEtcdStore } = await import('./etcd/store.ts');
  return openEtcdStore({
    endpoints: location.endpoints,
    prefix: location.prefix,
    cluster,
    mode,
    ...(credentials && { credentials }),
  });
}

const examples = 'embedded:.muster or etcd://10.0.0.1:2379,10.0.0.2:2379/muster (etcds:// for TLS)';

/**
 * `embedded:PATH`, `etcd://HOST:PORT[,…]/PREFIX` or, with TLS, `etcds://…`. Endpoints come back as `http(s)://host:port`,
 * the prefix with a leading and without a trailing slash. Throws `StoreError` whose hint says what is allowed.
 */
export function parseStoreLocation(text: string): StoreLocation {
  if (text.startsWith('embedded:')) {
    const path = text.slice('embedded:'.length);
    if (path === '' || path.startsWith('//')) throw badLocation(text, 'the path is missing: embedded:.muster');
    return { kind: 'embedded', path };
  }
  const match = /^(etcds?):\/\/([^/]*(?:,https?:\/\/[^/,]+)*)(\/.*)?$/.exec(withoutInnerSchemes(text));
  if (match === null) throw badLocation(text, nearMiss(text));
  const [, scheme, hosts = '', path = ''] = match;
  const endpoints = hosts.split(',').map((host) => endpoint(text, host, scheme === 'etcds' ? 'https' : 'http'));
  return { kind: 'etcd', endpoints, prefix: normalisedPrefix(path) };
}

/** `/muster` → `/muster`; `muster/` → `/muster`; nothing → `/muster`, the default of `Cluster.spec.store`. */
export function normalisedPrefix(path: string): string {
  const trimmed = path.replaceAll(/^\/+|\/+$/g, '');
  return `/${trimmed === '' ? 'muster' : trimmed}`;
}

/** `etcd://https://a:1,https://b:2/p` is understood like `etcds://a:1,b:2/p`. */
function withoutInnerSchemes(text: string): string {
  if (!/^etcds?:\/\/https:\/\//.test(text)) return text.replaceAll('http://', '');
  return text.replace(/^etcds?:/, 'etcds:').replaceAll('https://', '');
}

function endpoint(text: string, host: string, protocol: 'http' | 'https'): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(host);
  if (match === null)
    throw badLocation(text, host.includes('@') ? 'credentials never go into a URL' : `"${host}" is not HOST:PORT`);
  const port = Number(match[2]);
  if (port < 1 || port > 65_535) throw badLocation(text, `there is no port ${port}`);
  return `${protocol}://${match[1]}:${port}`;
}

function nearMiss(text: string): string {
  if (/^https?:\/\//.test(text)) return `did you mean etcd${text.startsWith('https') ? 's' : ''}://…?`;
  if (!text.includes(':')) return `did you mean embedded:${text}?`;
  return `the scheme "${text.slice(0, text.indexOf(':'))}" is not known`;
}

const badLocation = (text: string, problem: string): StoreError =>
  new StoreError({
    code: 'internal',
    message: `store location "${withoutCredentials(text)}": ${problem}`,
    retryable: false,
    hint: `Allowed: ${examples}`,
  });

const withoutCredentials = (text: string): string => text.replace(/\/\/[^/]*@/, '//…@');
