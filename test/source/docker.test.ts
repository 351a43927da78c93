import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DockerOptions } from '../../src/model/docker-options.ts';
import { normaliseText, problemsOf } from './documents.ts';

/** JSON is YAML: any text can be written down. */
const workload = (docker: unknown): string =>
  JSON.stringify({
    apiVersion: 'muster/v1',
    kind: 'Workload',
    metadata: { name: 'a', namespace: 'shop' },
    spec: { image: 'a:1', resources: { memory: '64MiB' }, docker },
  });

async function optionsOf(docker: unknown): Promise<DockerOptions | undefined> {
  const { declarations, problems } = await normaliseText(workload(docker));
  assert.deepEqual(problems, []);
  return declarations.workloads[0]?.item.revision.options;
}

test('every field of the docker block reaches the model in its unit', async () => {
  const options = await optionsOf({
    capabilities: { add: ['NET_ADMIN', 'CHOWN', 'CHOWN'], drop: ['ALL'] },
    noNewPrivileges: true,
    sysctls: { 'net.core.somaxconn': 1024, 'kernel.sem': '250 32000 32 128' },
    ulimits: { nofile: { soft: 1024, hard: 'unlimited' }, core: 0 },
    pids: 100,
    shmSize: '128MiB',
    tmpfs: [
      { mount: '/tmp', size: '1MiB', mode: '0755' },
      { mount: '/run', size: 4096 },
    ],
    devices: [{ path: '/dev/sdb', as: '/dev/disk', permissions: 'r' }, { path: '/dev/fuse' }],
    extraHosts: { db: '10.0.0.7', api: 'host-gateway' },
    dns: { servers: ['10.0.0.2', '10.0.0.1'], search: ['svc.local'] },
    swap: '32MiB',
    runtime: 'crun',
    storageSize: '2GiB',
    logging: { driver: 'local', options: { 'max-file': 3, compress: false } },
  });
  assert.deepEqual(options, {
    capabilities: { add: ['CHOWN', 'NET_ADMIN'], drop: ['ALL'] },
    noNewPrivileges: true,
    sysctls: { 'kernel.sem': '250 32000 32 128', 'net.core.somaxconn': '1024' },
    ulimits: { core: { soft: 0, hard: 0 }, nofile: { soft: 1024, hard: -1 } },
    pids: 100,
    shmSizeBytes: 128 << 20,
    tmpfs: [
      { name: '/run', sizeBytes: 4096, mode: '1777' },
      { name: '/tmp', sizeBytes: 1 << 20, mode: '0755' },
    ],
    devices: [
      { name: '/dev/disk', path: '/dev/sdb', permissions: 'r' },
      { name: '/dev/fuse', path: '/dev/fuse', permissions: 'rwm' },
    ],
    extraHosts: { api: 'host-gateway', db: '10.0.0.7' },
    dns: { servers: ['10.0.0.2', '10.0.0.1'], search: ['svc.local'] },
    swapBytes: 32 << 20,
    runtime: 'crun',
    storageSizeBytes: 2 * 1024 ** 3,
    logging: { driver: 'local', options: { compress: 'false', 'max-file': '3' } },
  });
});

test('writing the defaults of the docker block out makes no other revision', async () => {
  const written = {
    init: false,
    readOnly: false,
    noNewPrivileges: false,
    capabilities: { add: [], drop: [] },
    sysctls: {},
    ulimits: {},
    tmpfs: [],
    devices: [],
    extraHosts: {},
    dns: { servers: [], search: [] },
    swap: 'none',
  };
  assert.equal(await optionsOf(written), undefined);
});

/** Fields whose text comes to docker as it is, and where it is then. */
const fields: Readonly<
  Record<string, { readonly block: (text: string) => unknown; readonly at: (options: DockerOptions) => unknown }>
> = {
  runtime: { block: (runtime) => ({ runtime }), at: ({ runtime }) => runtime },
  user: { block: (user) => ({ user }), at: ({ user }) => user },
  workingDir: { block: (workingDir) => ({ workingDir }), at: ({ workingDir }) => workingDir },
  sysctl: {
    block: (value) => ({ sysctls: { 'kernel.sem': value } }),
    at: ({ sysctls }) => sysctls?.['kernel.sem'],
  },
  tmpfs: { block: (mount) => ({ tmpfs: [{ mount, size: 1 }] }), at: ({ tmpfs }) => tmpfs?.[0]?.name },
  device: { block: (path) => ({ devices: [{ path }] }), at: ({ devices }) => devices?.[0]?.path },
  logOption: {
    block: (tag) => ({ logging: { driver: 'json-file', options: { tag } } }),
    at: ({ logging }) => logging?.options['tag'],
  },
  extraHost: { block: (name) => ({ extraHosts: { [name]: '10.0.0.1' } }), at: ({ extraHosts }) => extraHosts },
};

test('any text in any field comes through as it is, or is refused with its place', async () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ maxLength: 20 }).map((text) => `/${text}`),
    fc.string({ maxLength: 20 }).map((text) => `/dev/${text}`),
    fc.constantFrom('$(reboot)', '`id`', '; rm -rf /', "'", '"', '/a\nb', '/a\u0000', '/../x', '/a:ro'),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(fields)), odd, async (name, text) => {
      const field = fields[name];
      assert.ok(field !== undefined);
      // Half of a surrogate pair is no text, and no file in UTF-8 has one.
      fc.pre(Buffer.from(text).toString() === text);
      const problems = await problemsOf(workload(field.block(text)));
      if (problems.length > 0) {
        for (const { pointer } of problems) assert.match(pointer, /^\/spec\/docker\//);
        return;
      }
      const options = await optionsOf(field.block(text));
      const found = field.at(options ?? {});
      assert.deepEqual(found, name === 'extraHost' ? { [text]: '10.0.0.1' } : text);
    }),
    { numRuns: 300 },
  );
});

test('what is published by default is what the network of a container has', async () => {
  const published = async (network: string): Promise<unknown> => {
    const spec = { image: 'a:1', docker: { network }, ports: [{ name: 'a', port: 80 }] };
    const text = JSON.stringify({ apiVersion: 'muster/v1', kind: 'Workload', metadata: { name: 'a' }, spec });
    const { declarations, problems } = await normaliseText(text);
    assert.deepEqual(problems, []);
    return declarations.workloads[0]?.item.revision.ports[0]?.publish;
  };
  assert.deepEqual([await published('bridge'), await published('host'), await published('none')], ['auto', 80, 'none']);
});

test('the example of the page on docker is a workload', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/docker.md'), 'utf8');
  const [example = '', ...parts] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml);
  const whole = `${example}${parts.map((part) => part.replaceAll(/^(?=.)/gm, '  ')).join('')}`;
  assert.match(whole, /^ {2}hooks:/m);
  assert.match(whole, /^ {2}files:/m);
  const { problems } = await normaliseText(whole);
  assert.deepEqual(problems, []);
});
