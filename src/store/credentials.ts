/** Host-local, never from git. Certificates and keys are PEM text. */
export interface EtcdCredentials {
  readonly tls?: { readonly ca: string; readonly certificate?: string; readonly key?: string };
  readonly user?: { readonly name: string; readonly password: string };
}
