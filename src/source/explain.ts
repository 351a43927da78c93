import { engineKinds } from '../model/ids.ts';
import type { SourceDocument } from './document.ts';
import { escapePointer, fieldName, shown, unescapePointer } from './pointer.ts';
import type { Problem } from './problem.ts';
import { checkQuantity } from './quantity.ts';
import { didYouMean, nearest } from './suggest.ts';

/** What ajv says of one failed keyword. */
export interface AjvError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
}

export interface Schema {
  readonly [keyword: string]: unknown;
}

interface Explaining {
  readonly document: SourceDocument;
  readonly schema: Schema;
}

/** The validator’s errors as a person would say them, each mistake once. */
export function explainErrors(errors: readonly AjvError[], explaining: Explaining): readonly Problem[] {
  const telling = errors.filter((error) => !isPartOfAnother(error, errors));
  const refused = telling.filter((error) => error.keyword === 'x-muster-since').map((error) => error.instancePath);
  const isInsideRefused = ({ instancePath, keyword }: AjvError) =>
    refused.some(
      (path) => instancePath.startsWith(`${path}/`) || (instancePath === path && keyword !== 'x-muster-since'),
    );
  const problems = telling.filter((error) => !isInsideRefused(error)).map((error) => explain(error, explaining));
  // Quantities are only read once a document fits its schema: here they are looked at so that all mistakes show at once.
  const { document, schema } = explaining;
  const said = new Set(problems.map(({ pointer }) => pointer));
  return [...problems, ...quantityProblems(document, schema).filter(({ pointer }) => !said.has(pointer))];
}

/** True where another error of the same mistake says it better. */
function isPartOfAnother(error: AjvError, errors: readonly AjvError[]): boolean {
  if (error.keyword === 'not' || error.keyword === 'propertyNames') return true;
  const at = /^(.*\/anyOf)(?:\/(\d+)\/.*)?$/.exec(error.schemaPath);
  if (at === null) return false;
  const [, group = '', branch] = at;
  const whole = errors.find((other) => other.schemaPath === group && error.instancePath.startsWith(other.instancePath));
  if (whole === undefined) return false;
  // Of alternatives only the one counts whose type fits; where none does, the anyOf itself speaks for all of them.
  const inGroup = errors.filter(
    (other) => other.schemaPath.startsWith(`${group}/`) && other.instancePath.startsWith(whole.instancePath),
  );
  const branches = new Set(inGroup.map((other) => other.schemaPath.slice(group.length + 1).split('/')[0] ?? ''));
  const misfits = inGroup.filter((other) => other.keyword === 'type' && other.instancePath === whole.instancePath);
  for (const misfit of misfits) branches.delete(misfit.schemaPath.slice(group.length + 1).split('/')[0] ?? '');
  return branch === undefined ? branches.size > 0 : !branches.has(branch);
}

/** What is wrong with the quantities of a document, wherever the value has the right type. */
function quantityProblems(document: SourceDocument, schema: Schema): readonly Problem[] {
  const problems: Problem[] = [];
  const visit = (value: unknown, inner: Schema, pointer: string): void => {
    const quantity = inner['x-muster-quantity'];
    if (typeof quantity === 'string' && (typeof value === 'string' || typeof value === 'number')) {
      const reason = checkQuantity(quantity, value);
      if (reason !== undefined)
        problems.push({
          document,
          code: 'MUS1006',
          pointer,
          message: `${fieldName(pointer)}: ${reason}`,
          found: shown(value),
        });
    }
    if (inner['x-muster-since'] !== undefined) return;
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) visit(item, member(inner, 'items'), `${pointer}/${index}`);
    else if (isRecord(value)) {
      for (const [key, item] of Object.entries(value))
        visit(item, member(member(inner, 'properties'), key), `${pointer}/${escapePointer(key)}`);
    }
  };
  visit(document.value, schema, '');
  return problems;
}

function explain(error: AjvError, { document, schema }: Explaining): Problem {
  const { keyword, instancePath: pointer, params } = error;
  const parent = subschema(schema, error.schemaPath);
  const value = at(document.value, pointer);
  const name = fieldName(pointer);
  switch (keyword) {
    case 'additionalProperties':
      return unknownKey(String(params['additionalProperty']), { document, schema, parent, pointer });
    case 'required': {
      const key = String(params['missingProperty']);
      const description = member(member(parent, 'properties'), key)['description'];
      const hint = typeof description === 'string' ? { hint: `${key}: ${description}` } : {};
      return { document, code: 'MUS1005', pointer, target: 'key', message: `"${key}" is missing in ${name}`, ...hint };
    }
    case 'x-muster-since':
      return notSupportedYet(document, pointer, parent['description']);
    case 'x-muster-later-values':
      return {
        ...notSupportedYet(document, pointer, undefined),
        message: `${name}: ${shown(value)} is not supported yet`,
        found: shown(value),
        allowed: strings(parent['enum']).filter((text) => !strings(parent['x-muster-later-values']).includes(text)),
        target: 'value',
        hint: 'use one of the allowed ones: this version of Muster would not act on it',
      };
    case 'type':
      return wrongType(value, { document, parent, pointer });
    case 'anyOf': {
      const types = (parent['anyOf'] as readonly Schema[])
        .filter((branch) => branch['x-muster-since'] === undefined)
        .flatMap((branch) => branch['type'] as string | readonly string[]);
      return wrongType(value, { document, parent: { type: types }, pointer });
    }
    case 'enum': {
      const allowed = strings(parent['enum']).filter(
        (text) => !strings(parent['x-muster-later-values']).includes(text),
      );
      const suggestion = typeof value === 'string' ? didYouMean(value, allowed) : {};
      return {
        document,
        code: 'MUS1004',
        pointer,
        message: `${name} has an unknown value`,
        found: shown(value),
        allowed,
        ...suggestion,
      };
    }
    case 'pattern': {
      if (error.propertyName !== undefined) {
        const inside = `${pointer}/${escapePointer(error.propertyName)}`;
        const allowed = texts(member(parent, 'propertyNames')['x-muster-allowed'] ?? parent['x-muster-allowed']);
        return {
          document,
          code: 'MUS1004',
          pointer: inside,
          target: 'key',
          message: `a key of ${name} has the wrong form`,
          found: shown(error.propertyName),
          allowed,
        };
      }
      return {
        document,
        code: 'MUS1004',
        pointer,
        message: `${name} has the wrong form`,
        found: shown(value),
        allowed: texts(parent['x-muster-allowed']),
      };
    }
    default:
      return {
        document,
        code: 'MUS1004',
        pointer,
        message: `${name} is ${keyword.startsWith('min') && keyword !== 'minimum' ? 'empty' : 'out of bounds'}`,
        found: shown(value),
        allowed: [bounds(parent, keyword)],
      };
  }
}

/** What is in the format already but does nothing yet is refused, never ignored. */
export function notSupportedYet(document: SourceDocument, pointer: string, description: unknown): Problem {
  const what = typeof description === 'string' ? ` (${description.replace(/\.$/, '')})` : '';
  return {
    document,
    code: 'MUS1007',
    pointer,
    target: 'key',
    message: `${fieldName(pointer)} is not supported yet${what}`,
    hint: 'leave it out: this version of Muster would not act on it',
  };
}

function unknownKey(key: string, where: Explaining & { readonly parent: Schema; readonly pointer: string }): Problem {
  const { document, schema, parent, pointer } = where;
  const properties = member(parent, 'properties');
  const now = Object.keys(properties).filter((name) => member(properties, name)['x-muster-since'] === undefined);
  const allowed = [...now, ...texts(parent['x-muster-allowed'])];
  const near = nearest(key, Object.keys(properties));
  const elsewhere = near === undefined ? placeOfKey(schema, key, '') : undefined;
  const hint =
    near !== undefined
      ? `did you mean "${near}"?`
      : elsewhere === undefined
        ? undefined
        : `"${key}" belongs into ${elsewhere}`;
  const merge =
    key === '<<' ? 'YAML merge keys are not part of YAML 1.2; use a patch in the Cluster document' : undefined;
  return {
    document,
    code: 'MUS1003',
    pointer: `${pointer}/${escapePointer(key)}`,
    target: 'key',
    message: `unknown key "${key}" in ${fieldName(pointer)}`,
    found: key,
    allowed,
    ...((merge ?? hint) !== undefined && { hint: merge ?? hint ?? '' }),
  };
}

/** The dotted path of the first map, outermost first, that has such a key. */
function placeOfKey(schema: Schema, key: string, path: string): string | undefined {
  const properties = member(schema, 'properties');
  if (path !== '' && Object.hasOwn(properties, key)) return path;
  for (const [name, inner] of Object.entries(properties)) {
    const found = placeOfKey(inner as Schema, key, path === '' ? name : `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wrongType(
  value: unknown,
  where: { readonly document: SourceDocument; readonly parent: Schema; readonly pointer: string },
): Problem {
  const { document, parent, pointer } = where;
  const quantity = parent['x-muster-quantity'];
  const types = [parent['type'] as string | readonly string[]].flat();
  const found = shown(value);
  if (typeof quantity === 'string' && (typeof value === 'string' || typeof value === 'number')) {
    const reason = checkQuantity(quantity, value);
    if (reason !== undefined)
      return { document, pointer, code: 'MUS1006', message: `${fieldName(pointer)}: ${reason}`, found };
  }
  const allowed = types.map((type) => typeNames[type] ?? type);
  const message = `${fieldName(pointer)} must be ${allowed.join(' or ')}`;
  return { document, pointer, code: 'MUS1004', message, found, allowed, ...typeHint(value, types) };
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

function typeHint(value: unknown, types: readonly string[]): { readonly hint?: string } {
  if (value === null) return { hint: 'it is empty: give it a value or remove the key' };
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean'))
    return { hint: `put it in quotes: "${value}"` };
  if (types.includes('array') && !types.includes('object') && typeof value === 'string')
    return { hint: `write a list: [${JSON.stringify(value)}]` };
  if (types.includes('integer') && typeof value === 'string' && /^\d+$/.test(value))
    return { hint: `write it without quotes: ${value}` };
  return {};
}

function bounds(schema: Schema, keyword: string): string {
  const { minimum, maximum } = schema;
  switch (keyword) {
    case 'minimum':
    case 'maximum':
      if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
      return minimum === undefined ? `at most ${maximum}` : `at least ${minimum}`;
    case 'minItems':
      return `at least ${schema['minItems']} item`;
    case 'minProperties':
      return `at least one of ${Object.keys(member(schema, 'properties')).join(', ') || engineKinds.join(', ')}`;
    case 'const':
      return String(schema['const']);
    default:
      return `what the schema says of "${keyword}"`;
  }
}

/** The schema object that holds the keyword at the end of ajv's schema path. */
function subschema(schema: Schema, schemaPath: string): Schema {
  let found: unknown = schema;
  const parts = schemaPath
    .split('/')
    .slice(1)
    .map((part) => unescapePointer(decodeURIComponent(part)));
  // An error about a property's name is reported by the propertyNames schema itself.
  for (const part of parts.slice(0, -1)) found = member(found, part);
  return isRecord(found) ? found : {};
}

function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1))
    found = (found as Readonly<Record<string, unknown>> | undefined)?.[unescapePointer(part)];
  return found;
}

const isRecord = (value: unknown): value is Schema => typeof value === 'object' && value !== null;
const member = (value: unknown, key: string): Schema => {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : {};
};
const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const texts = (value: unknown): readonly string[] => (typeof value === 'string' ? [value] : []);
