import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A JSON Schema as far as ours go. */
export interface Schema {
  readonly [keyword: string]: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  /** `later`: in the format already, refused as not supported yet. */
  readonly 'x-muster-since'?: 'later';
  /** Values of an `enum` that are refused as not supported yet. */
  readonly 'x-muster-later-values'?: readonly string[];
  /** What a `pattern` allows, in words. */
  readonly 'x-muster-allowed'?: string;
  /** Which parser of src/model/units.ts reads it. */
  readonly 'x-muster-quantity'?: string;
}

/** In the order in which the reference lists them. */
export const kindNames = [
  'Cluster',
  'Policy',
  'Namespace',
  'Network',
  'Pod',
  'Node',
  'NodeSet',
  'Quota',
  'Workload',
  'Refactor',
] as const;

/** Every kind's schema with the references to common.schema.json replaced by what they point at. */
export async function readKindSchemas(folder: string): Promise<ReadonlyMap<string, Schema>> {
  const common = await readJson(join(folder, 'common.schema.json'));
  const definitions = common['definitions'] as Readonly<Record<string, Schema>>;
  const kinds = new Map<string, Schema>();
  for (const name of kindNames) {
    const schema = await readJson(join(folder, `${name.toLowerCase()}.schema.json`));
    kinds.set(name, resolve(schema, definitions) as Schema);
  }
  return kinds;
}

const readJson = async (path: string): Promise<Schema> => JSON.parse(await readFile(path, 'utf8')) as Schema;

const referencePrefix = 'common.schema.json#/definitions/';

/** `{$ref}` becomes its target; in `{allOf: [{$ref}], description, default …}` the siblings win over the target's. */
function resolve(value: unknown, definitions: Readonly<Record<string, Schema>>): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, definitions));
  if (typeof value !== 'object' || value === null) return value;
  const { $ref, allOf, ...rest } = value as Schema;
  const siblings = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, resolve(member, definitions)]));
  if (typeof $ref === 'string') return { ...target($ref, definitions), ...siblings };
  if (Array.isArray(allOf)) {
    if (allOf.length !== 1) throw new Error('schema/: allOf is only for one reference beside annotations');
    return { ...(resolve(allOf[0], definitions) as Schema), ...siblings };
  }
  return siblings;
}

function target(reference: string, definitions: Readonly<Record<string, Schema>>): Schema {
  const found = reference.startsWith(referencePrefix)
    ? definitions[reference.slice(referencePrefix.length)]
    : undefined;
  if (found === undefined) throw new Error(`schema/: ${reference} points at nothing`);
  return resolve(found, definitions) as Schema;
}
