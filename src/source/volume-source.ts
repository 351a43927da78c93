import type { RevisionVolume } from '../model/revision.ts';
import type { Parsed } from '../model/units.ts';
import { didYouMean } from './suggest.ts';

export type VolumeSource = RevisionVolume['source'];

/** `auto`, `/data1`, `host:/etc/ssl`, `nfs://host/path`, `rbd://pool/image`, `iscsi://host/target/lun`. */
export function parseVolumeSource(input: string | number): Parsed<VolumeSource> {
  const text = String(input);
  if (text === 'auto') return { ok: true, value: { kind: 'auto' } };
  if (text.startsWith('/')) return path(text, (device) => ({ kind: 'device', device }));
  if (text.startsWith('host:')) return path(text.slice('host:'.length), (host) => ({ kind: 'host', path: host }));
  const scheme = /^([a-z]+):/.exec(text)?.[1];
  if (scheme !== undefined && Object.hasOwn(networkForms, scheme)) return network(text, scheme as Scheme);
  const { hint } = didYouMean(scheme ?? text, ['auto', 'host', ...Object.keys(networkForms)]);
  return refuse(
    `${JSON.stringify(text)} is no source of a volume${hint === undefined ? '' : ` (${hint})`}; write ${forms}`,
  );
}

const forms =
  'auto, a device of the node (/data1), host:/PATH, nfs://HOST/PATH, rbd://POOL/IMAGE or iscsi://HOST/TARGET/LUN';

type Scheme = 'nfs' | 'rbd' | 'iscsi';

/** What is mounted over the network, as RFC 2224 writes NFS, and QEMU the other two. */
const networkForms: Readonly<Record<Scheme, { readonly form: RegExp; readonly written: string }>> = {
  nfs: { form: /^nfs:\/\/[^\s/,]+(?:\/[^\s/,]+)+$/, written: 'nfs://HOST/PATH' },
  rbd: { form: /^rbd:\/\/[^\s/,]+(?:\/[^\s/,]+){1,2}$/, written: 'rbd://POOL/IMAGE' },
  iscsi: { form: /^iscsi:\/\/[^\s/,]+\/[^\s/,]+\/\d{1,5}$/, written: 'iscsi://HOST/TARGET/LUN' },
};

function network(target: string, scheme: Scheme): Parsed<VolumeSource> {
  const { form, written } = networkForms[scheme];
  return form.test(target)
    ? { ok: true, value: { kind: 'network', target } }
    : refuse(`${JSON.stringify(target)} is not of the form ${written}`);
}

/** As `definitions/Path` of the schema. */
const absolutePath = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\s:,]+)+$/;

function path(text: string, source: (path: string) => VolumeSource): Parsed<VolumeSource> {
  return absolutePath.test(text)
    ? { ok: true, value: source(text) }
    : refuse(`${JSON.stringify(text)} is not an absolute path without spaces, ':' and ',', and without '/' at the end`);
}

const refuse = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });
