import { stringify } from 'yaml';
import type { Schema } from './schemas.ts';

/** docs/reference/: a page a kind, and one table of all defaults. File name → text. */
export function referencePages(kinds: ReadonlyMap<string, Schema>): ReadonlyMap<string, string> {
  const pages = new Map<string, string>();
  for (const [name, schema] of kinds) pages.set(`${name.toLowerCase()}.md`, kindPage(name, schema));
  pages.set('defaults.md', defaultsPage(kinds));
  pages.set('README.md', indexPage(kinds));
  return pages;
}

const made = '<!-- Made from schema/ by scripts/generate.ts. -->';

function kindPage(name: string, schema: Schema): string {
  const spec = schema.properties?.['spec'] ?? {};
  const fields = fieldsOf(spec, 'spec');
  const now = fields.filter((field) => !field.later);
  const later = fields.filter((field) => field.later);
  const examples = (schema.examples ?? []).map(
    (example) => `\`\`\`yaml\n${stringify(example, { lineWidth: 110 })}\`\`\``,
  );
  return [
    made,
    `# ${name}`,
    schema.description ?? '',
    `Schema: [\`schema/${name.toLowerCase()}.schema.json\`](../../schema/${name.toLowerCase()}.schema.json)`,
    ...examples,
    table(
      ['field', 'type', 'default', 'what it is'],
      now.map(({ path, schema: field, required }) => [
        `\`${path}\`${required ? ' (required)' : ''}`,
        typeText(field),
        field.default === undefined ? '' : `\`${inline(field.default)}\``,
        `${field.description ?? ''}${laterValues(field)}`,
      ]),
    ),
    ...(later.length === 0
      ? []
      : [
          '## Not supported yet',
          'In the format already, and refused with a clear error until it does something.',
          table(
            ['field', 'what it is for'],
            later.map(({ path, schema: field }) => [`\`${path}\``, field.description ?? '']),
          ),
        ]),
  ]
    .join('\n\n')
    .concat('\n');
}

function defaultsPage(kinds: ReadonlyMap<string, Schema>): string {
  const rows = [...kinds].flatMap(([name, schema]) =>
    fieldsOf(schema, '')
      .filter((field) => !field.later && field.schema.default !== undefined)
      .map((field) => [name, `\`${field.path}\``, `\`${inline(field.schema.default)}\``]),
  );
  return `${made}\n\n# All defaults\n\n${table(['kind', 'field', 'default'], rows)}\n`;
}

function indexPage(kinds: ReadonlyMap<string, Schema>): string {
  const rows = [...kinds].map(([name, schema]) => [`[${name}](${name.toLowerCase()}.md)`, schema.description ?? '']);
  return `${made}\n\n# Kinds of documents\n\n${table(['kind', 'what it is'], rows)}\n\n[All defaults](defaults.md)\n`;
}

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
  readonly later: boolean;
}

/** All fields, outer before inner; nothing below one that is not supported yet. */
function fieldsOf(schema: Schema, prefix: string): readonly Field[] {
  const fields: Field[] = [];
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const later = member['x-muster-since'] === 'later';
    fields.push({ path, schema: member, required: schema.required?.includes(key) ?? false, later });
    if (!later) fields.push(...inside(member, path));
  }
  return fields;
}

/** The fields of a map, of a list's items, or of the first of several forms: the others are shorter ways to say it. */
const inside = (schema: Schema, path: string): readonly Field[] => [
  ...fieldsOf(schema, path),
  ...fieldsOf(schema.items ?? {}, `${path}[]`),
  ...fieldsOf(schema.anyOf?.[0] ?? {}, path),
];

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  if (schema.type === 'object') return schema.properties === undefined ? 'map' : 'object';
  return schema.type === undefined ? 'any' : [schema.type].flat().join(' or ');
}

const laterValues = (schema: Schema): string => {
  const values = schema['x-muster-later-values'] ?? [];
  return values.length === 0 ? '' : ` Not supported yet: ${values.map((value) => `\`${value}\``).join(', ')}.`;
};

const inline = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
