import { compile } from 'json-schema-to-typescript';
import type { Schema } from './schemas.ts';

const banner = '/** Made from schema/ by scripts/generate.ts: change those and run it. */';

/** One interface a kind: `Workload`, `Workload["spec"]` … */
export async function schemaTypes(kinds: ReadonlyMap<string, Schema>): Promise<string> {
  const parts: string[] = [];
  for (const [name, schema] of kinds) {
    parts.push(
      await compile(forTypes(schema) as Parameters<typeof compile>[0], name, {
        bannerComment: '',
        additionalProperties: false,
        ignoreMinAndMaxItems: true,
        unknownAny: true,
        style: { singleQuote: true, printWidth: 120 },
      }),
    );
  }
  return `${banner}\n\n${parts.join('\n')}`;
}

/**
 * Drops what would only be noise in the types: defaults and examples are in the reference. Pattern properties go too:
 * an index signature of numbers would contradict the named properties beside it.
 */
function forTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forTypes);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key]) => !['default', 'examples', 'pattern', 'patternProperties', '$schema', '$id'].includes(key),
  );
  return Object.fromEntries(kept.map(([key, member]) => [key, forTypes(member)]));
}
