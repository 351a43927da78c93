import type { DesiredNode } from '../model/desired.ts';
import { nodeName } from '../model/ids.ts';
import { enginesOf, nodeOf, portDomainOf, sortTaints, toDrain, toTaint } from './normalise-node.ts';
import { sortedMap } from './normalise-resources.ts';
import { type Reading, report } from './reading.ts';
import type { Node, NodeSet } from './schema-types.generated.ts';

/** The most nodes that one set may make. */
const maxNodes = 20_000;

/** All nodes of a set: names counted up, the template filled in, overrides applied in order. */
export function toNodes({ spec }: NodeSet, reading: Reading): readonly DesiredNode[] {
  const expanded = expandNames(spec.names);
  if (!expanded.ok) {
    report(reading, {
      code: 'MUS1315',
      pointer: '/spec/names',
      message: `NodeSet names: ${expanded.reason}`,
      found: spec.names,
    });
    return [];
  }
  const { labels, ...template } = spec.template;
  const nodes = new Map<string, DesiredNode>();
  const { engines, ...common } = template;
  const start = reading.problems.length;
  const shared = usesPlaceholders({ common, labels })
    ? undefined
    : makeNode({ spec, template, labels, name: expanded.names[0] }, reading);
  const ownEngines = usesPlaceholders(engines) ? engines : undefined;
  let reported = reading.problems.length > start;
  for (const name of expanded.names) {
    const before = reading.problems.length;
    const node =
      shared === undefined
        ? makeNode({ spec, template, labels, name }, reading)
        : renamed(shared, { spec, name, engines: ownEngines }, reading);
    // What is wrong with the template is wrong with every node: said once.
    if (reported) reading.problems.length = before;
    reported ||= reading.problems.length > 0;
    nodes.set(node.name, node);
  }
  applyOverrides(spec.overrides ?? [], nodes, reading);
  return [...nodes.values()];
}

interface NumberedName {
  readonly name: string;
  /** The values of the brackets, in order. */
  readonly values: readonly string[];
}

type Expanded =
  | { readonly ok: true; readonly names: readonly [NumberedName, ...NumberedName[]] }
  | { readonly ok: false; readonly reason: string };

/** `batch-[a:b]-[001:500]` → every combination, the last bracket fastest. A name without brackets is itself. */
export function expandNames(pattern: string): Expanded {
  let names: readonly NumberedName[] = [{ name: '', values: [] }];
  for (const part of pattern.split(/(\[[^[\]]*\])/)) {
    if (!part.startsWith('[')) {
      if (/[[\]:]/.test(part)) return { ok: false, reason: 'a bracket is not closed' };
      names = names.map(({ name, values }) => ({ name: name + part, values }));
      continue;
    }
    const range = expandRange(part.slice(1, -1));
    if (typeof range === 'string') return { ok: false, reason: range };
    if (names.length * range.length > maxNodes) return { ok: false, reason: `more than ${maxNodes} names` };
    names = names.flatMap(({ name, values }) =>
      range.map((value) => ({ name: name + value, values: [...values, value] })),
    );
  }
  const wrong = names.find(({ name }) => !/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name));
  if (wrong !== undefined) return { ok: false, reason: `"${wrong.name}" is not a host name` };
  const [first, ...rest] = names;
  return first === undefined ? { ok: false, reason: 'it makes no names' } : { ok: true, names: [first, ...rest] };
}

/** The values of `a:c` or `001:500`, or what is wrong with it. */
function expandRange(text: string): readonly string[] | string {
  const numbers = /^(\d{1,9}):(\d{1,9})$/.exec(text);
  if (numbers !== null) {
    const [, first = '', last = ''] = numbers;
    const count = Number(last) - Number(first) + 1;
    if (count < 1) return `[${text}] counts down; write the smaller number first`;
    if (count > maxNodes) return `more than ${maxNodes} names`;
    return Array.from({ length: count }, (_, index) => String(Number(first) + index).padStart(first.length, '0'));
  }
  const letters = /^([a-z]):([a-z])$/.exec(text);
  if (letters === null) return `[${text}] is not a range such as [a:c] or [001:500]`;
  const [first, last] = [text.charCodeAt(0), text.charCodeAt(2)];
  if (last < first) return `[${text}] counts down; write the earlier letter first`;
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index));
}

type Template = Omit<NodeSet['spec']['template'], 'labels'>;

function makeNode(
  node: {
    readonly spec: NodeSet['spec'];
    readonly template: Template;
    readonly labels: Readonly<Record<string, string>> | undefined;
    readonly name: NumberedName;
  },
  reading: Reading,
): DesiredNode {
  const { spec, template, labels, name } = node;
  const filled = fill({ template, labels: labels ?? {} }, name) as {
    readonly template: Template;
    readonly labels: Readonly<Record<string, string>>;
  };
  const domains: Pick<Node['spec'], 'zone' | 'rack'> = {
    ...(spec.zone !== undefined && { zone: fillText(spec.zone, name) }),
    ...(spec.rack !== undefined && { rack: fillText(spec.rack, name) }),
  };
  return nodeOf(
    { name: name.name, labels: filled.labels, spec: { ...filled.template, ...domains }, pointer: '/spec/template' },
    reading,
  );
}

/** The same node under another name, where the template says nothing that depends on it but how to reach its engines. */
function renamed(
  node: DesiredNode,
  of: {
    readonly spec: NodeSet['spec'];
    readonly name: NumberedName;
    readonly engines: Template['engines'] | undefined;
  },
  reading: Reading,
): DesiredNode {
  const { spec, name } = of;
  const engines =
    of.engines === undefined
      ? node.engines
      : enginesOf(fill(of.engines, name) as Template['engines'], { reading, pointer: '/spec/template/engines' });
  return {
    ...node,
    name: nodeName(name.name),
    engines,
    portDomain: portDomainOf(name.name, engines),
    ...(spec.zone !== undefined && { zone: fillText(spec.zone, name) }),
    ...(spec.rack !== undefined && { rack: fillText(spec.rack, name) }),
  };
}

const usesPlaceholders = (value: unknown): boolean => /\{(?:name|\d)\}/.test(JSON.stringify(value));

const fillText = (text: string, { name, values }: NumberedName): string =>
  text.replaceAll(/\{(name|[1-9])\}/g, (whole, key: string) =>
    key === 'name' ? name : (values[Number(key) - 1] ?? whole),
  );

function fill(value: unknown, name: NumberedName): unknown {
  if (typeof value === 'string') return fillText(value, name);
  if (Array.isArray(value)) return value.map((item) => fill(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fill(member, name)]));
}

function applyOverrides(
  overrides: NonNullable<NodeSet['spec']['overrides']>,
  nodes: Map<string, DesiredNode>,
  reading: Reading,
): void {
  for (const [index, override] of overrides.entries()) {
    const pointer = `/spec/overrides/${index}/names`;
    const expanded = expandNames(override.names);
    if (!expanded.ok) {
      report(reading, { code: 'MUS1315', pointer, message: `override: ${expanded.reason}`, found: override.names });
      continue;
    }
    const strangers = expanded.names.filter(({ name }) => !nodes.has(name));
    if (strangers.length > 0) {
      const example = strangers[0]?.name ?? '';
      const message = `the override names ${strangers.length === 1 ? 'a node' : `${strangers.length} nodes`} that the set does not make: ${example}`;
      report(reading, { code: 'MUS1316', pointer, message, found: override.names });
    }
    const drain = toDrain(override.drain, { reading, pointer: `/spec/overrides/${index}/drain` });
    for (const { name } of expanded.names) {
      const node = nodes.get(name);
      if (node !== undefined) nodes.set(name, overridden(node, override, drain));
    }
  }
}

function overridden(
  node: DesiredNode,
  override: NonNullable<NodeSet['spec']['overrides']>[number],
  drain: DesiredNode['drain'],
): DesiredNode {
  const { lifecycle, labels, taints } = override;
  return {
    ...node,
    ...(lifecycle !== undefined && { lifecycle }),
    ...(labels !== undefined && { labels: sortedMap({ ...node.labels, ...labels }) }),
    ...(taints !== undefined && { taints: sortTaints([...node.taints, ...taints.map(toTaint)]) }),
    ...(drain !== undefined && { drain }),
  };
}
