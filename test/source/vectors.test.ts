import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import { normaliseText } from './documents.ts';

/** The vectors (test/plan/vectors.test.ts) that are about how a request is written and completed. */
const file = join(import.meta.dirname, '../../../shared/vectors/eru.json');

interface Vector {
  readonly area: string;
  readonly name: string;
  readonly input: unknown;
  readonly expected: unknown;
}

const byArea: Readonly<Record<string, (vector: Vector) => Promise<void>>> = {
  'volume-syntax': checkSyntax,
  'request-normalisation': checkRequest,
};

/** There a volume is a text; here it is YAML, whose keys say what they are. In the order of the vector's examples. */
const inYaml: Readonly<Record<string, string>> = {
  'AUTO:/data': '{name: v, mount: /data}',
  'AUTO:/data:rwm:1G': '{name: v, mount: /data, exclusive: true, size: 1Gi}',
  '/host:/ctr:ro': '{name: v, mount: /ctr, source: "host:/host", readOnly: true}',
  'AUTO:/d:rw:100GiB:1:2:3M:4M':
    '{name: v, mount: /d, size: 100GiB, readIops: 1, writeIops: 2, readBps: 3Mi, writeBps: 4Mi}',
  onlyone: '{name: v}',
  'a:b:c:1:2:3:4:5:6': '{name: v, mount: /b, source: auto, more: 6}',
  'AUTO::rw:1': '{name: v, mount: "", size: 1}',
};

interface ParsedVolume {
  readonly src: string;
  readonly dst: string;
  readonly flags: string;
  readonly size?: number;
  readonly read_iops?: number;
  readonly write_iops?: number;
  readonly read_bps?: number;
  readonly write_bps?: number;
}

async function checkSyntax({ input, expected }: Vector): Promise<void> {
  const { bindings } = input as { readonly bindings: readonly string[] };
  const { parsed } = expected as { readonly parsed: readonly ('error' | ParsedVolume)[] };
  for (const [index, binding] of bindings.entries()) {
    const yaml = inYaml[binding];
    const wanted = parsed[index];
    assert.ok(yaml !== undefined && wanted !== undefined, binding);
    const loaded = load(`volumes: [${yaml}]`);
    // Each for its own reason: no mount, an unknown key, a mount that is no path.
    if (wanted === 'error') await assert.rejects(loaded, /^Error: \/spec\/volumes\/0/, binding);
    else assert.deepEqual((await loaded).revision?.volumes, [volumeOf(wanted)], binding);
  }
}

const volumeOf = (parsed: ParsedVolume): RevisionVolume => ({
  name: 'v',
  mount: parsed.dst,
  sizeBytes: parsed.size ?? 0,
  source: parsed.src === 'AUTO' ? { kind: 'auto' } : { kind: 'host', path: parsed.src },
  exclusive: parsed.flags.includes('m'),
  readOnly: !parsed.flags.includes('w'),
  onRemove: 'keep',
  readIops: parsed.read_iops ?? 0,
  writeIops: parsed.write_iops ?? 0,
  readBps: parsed.read_bps ?? 0,
  writeBps: parsed.write_bps ?? 0,
});

interface Request {
  readonly cpu_request: number;
  readonly cpu_limit: number;
  readonly mem_request: number;
  readonly mem_limit: number;
}

/** There 0 is what is not said; here it is left out. */
async function checkRequest({ input, expected }: Vector): Promise<void> {
  const { bind, ...asked } = input as Request & { readonly bind: boolean };
  const { cpu_request, cpu_limit, mem_request, mem_limit } = asked;
  const wanted = expected as Request;
  const limits = `limits: ${said({ cpu: cpu_limit, memory: mem_limit })}`;
  const resources = `resources: ${said({ cpu: cpu_request, memory: mem_request })}`;
  const { revision, problems } = await load(resources, limits, `cpu: {bind: ${bind}}`);
  if (bind && cpu_limit > cpu_request) {
    // There the request is raised to the limit without a word. A bound instance never gets beyond its cores, so here the
    // limit is a mistake, and the hint says how to get what that system gives.
    assert.deepEqual(problems, ['MUS1320 /spec/limits/cpu: remove limits.cpu, or raise resources.cpu to it']);
    const raised = await load(
      `resources: ${said({ cpu: cpu_limit, memory: mem_request })}`,
      limits,
      'cpu: {bind: true}',
    );
    assert.deepEqual([raised.problems, raised.revision?.resources.cpuMillis], [[], wanted.cpu_request * 1000]);
    return;
  }
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [revision?.resources.cpuMillis, revision?.limits.cpuMillis],
    [wanted.cpu_request * 1000, wanted.cpu_limit * 1000],
  );
  assert.deepEqual(
    [revision?.resources.memoryBytes, revision?.limits.memoryBytes],
    [wanted.mem_request, wanted.mem_limit],
  );
}

const said = (amounts: Readonly<Record<string, number>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0)));

async function load(
  ...lines: readonly string[]
): Promise<{ readonly revision: Revision | undefined; readonly problems: readonly string[] }> {
  const head = 'apiVersion: muster/v1\nkind: Workload\nmetadata: {name: app, namespace: vectors}\nspec:\n  image: a';
  const { declarations, problems } = await normaliseText([head, ...lines].join('\n  '));
  return {
    revision: declarations.workloads[0]?.item.revision,
    problems: problems.map(({ code, pointer, hint }) => `${code} ${pointer}: ${hint}`),
  };
}

if (!existsSync(file)) {
  test('request vectors', { skip: 'no ../shared/vectors/eru.json beside the repo' }, () => {});
} else {
  const vectors = (JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]).filter(({ area }) => area in byArea);
  for (const vector of vectors) test(`vector ${vector.area}: ${vector.name}`, () => byArea[vector.area]?.(vector));
  test('every area of requests has its vectors', () => {
    assert.deepEqual([...new Set(vectors.map(({ area }) => area))].sort(), Object.keys(byArea).sort());
  });
}
