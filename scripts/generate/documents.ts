import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

/** Standalone validators of the JSON documents that Muster writes and reads back: `validatePlan`, `validateSnapshot`. */
export async function documentValidatorModule(schemaFolder: string): Promise<string> {
  const ajv = new Ajv({
    strict: true,
    allowUnionTypes: true,
    allErrors: true,
    inlineRefs: false,
    code: { source: true, esm: true },
  });
  for (const name of ['plan', 'snapshot']) {
    const text = await readFile(join(schemaFolder, `${name}.schema.json`), 'utf8');
    ajv.addSchema(JSON.parse(text, withoutAnnotations) as object, name);
  }
  const code = standaloneCode.default(ajv, { validatePlan: 'plan', validateSnapshot: 'snapshot' });
  if (code.includes('require(')) {
    throw new Error('the validators must not need ajv at run time: avoid that keyword in schema/');
  }
  return `// @ts-nocheck\n// Made from schema/ by scripts/generate.ts; not committed.\n${code.replace('"use strict";', '')}\n`;
}

/** Texts would only make the module larger. No key of the documents has one of these names. */
function withoutAnnotations(key: string, value: unknown): unknown {
  return ['description', 'title', 'examples', 'default'].includes(key) ? undefined : value;
}
