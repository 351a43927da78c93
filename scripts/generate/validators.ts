import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import type { Schema } from './schemas.ts';

const banner = '// Made from schema/ by scripts/generate.ts; not committed.';

/** One function a kind, `validators.Workload(value)`, that leaves ajv's errors in its `errors`. Needs nothing at run time. */
export function validatorModule(kinds: ReadonlyMap<string, Schema>): string {
  const ajv = new Ajv({
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    code: { source: true, esm: true, lines: false },
  });
  ajv.addKeyword({ keyword: 'x-muster-since', macro: () => ({ not: {} }) });
  ajv.addKeyword({
    keyword: 'x-muster-later-values',
    macro: (values: readonly string[]) => ({ not: { enum: values } }),
  });
  for (const annotation of ['x-muster-allowed', 'x-muster-quantity']) ajv.addKeyword({ keyword: annotation });
  for (const [name, schema] of kinds) ajv.addSchema({ ...withoutAnnotations(schema), $id: name }, name);
  const names = Object.fromEntries([...kinds.keys()].map((name) => [`validate${name}`, name]));
  const code = standaloneCode.default(ajv, names);
  if (code.includes('require('))
    throw new Error('the validators must not need ajv at run time: avoid that keyword in schema/');
  const table = [...kinds.keys()].map((name) => `  ${name}: validate${name},`).join('\n');
  return `// @ts-nocheck\n${banner}\n${code.replace('"use strict";', '')}\nexport const validators = {\n${table}\n};\n`;
}

/** The resolved schemas, for messages: read only when something is wrong. */
export function schemaModule(kinds: ReadonlyMap<string, Schema>): string {
  return `// @ts-nocheck\n${banner}\nexport const schemas = ${JSON.stringify(Object.fromEntries(kinds))};\n`;
}

/** Texts and examples would only make the validators' module larger. */
function withoutAnnotations(schema: Schema): Schema {
  return strip(schema, false) as Schema;
}

function strip(value: unknown, isPropertyMap: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => strip(item, false));
  if (typeof value !== 'object' || value === null) return value;
  const noise = new Set([
    '$schema',
    'title',
    'description',
    'examples',
    'default',
    'x-muster-allowed',
    'x-muster-quantity',
  ]);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isPropertyMap || !noise.has(key))
      .map(([key, member]) => [
        key,
        strip(member, !isPropertyMap && (key === 'properties' || key === 'patternProperties')),
      ]),
  );
}
