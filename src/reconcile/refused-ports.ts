import { EngineError } from '../engines/engine.ts';
import { type NodeName, nodeName } from '../model/ids.ts';
import type { ForeignObject, Observed, ObservedNode } from '../model/observed.ts';
import type { Override } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import { encodeOverride } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import type { UnitJournal } from './journal.ts';
import { overrideId } from './overrides.ts';
import type { RunContext } from './run-context.ts';

/**
 * How long a node does not give out a port that its engine refused. Who has it may be gone sooner, which nobody tells; who
 * has it for good refuses again, which costs one unit a try.
 */
const refusedForMs = 3_600_000;
const actor = 'muster';

interface Refused {
  /** As people are to read it. */
  readonly error: EngineError;
  /** What is recorded of it. */
  readonly operations: readonly Operation[];
}

/**
 * What an engine refuses to start because of an automatic port would be given the very same port by every plan: where
 * something listens that no engine lists (a process of the host, a docker that was killed and lost track), only the refusal
 * tells of it. So it is recorded, and the next plan takes another port. Undefined for a fixed port, which only git changes,
 * and for every other error.
 */
export function refusedPort(context: RunContext, error: unknown): Refused | undefined {
  if (!(error instanceof EngineError) || error.code !== 'portTaken' || error.port === undefined) return undefined;
  const { code, message, retryable, node, engine, call, port, cause } = error;
  if (!isAutomatic(context, node, port)) return undefined;
  const hint = `the next plan takes another port, ${node} does not give out ${port} for an hour`;
  const target = `${node}:${port}`;
  const id = overrideId({ kind: 'port', target });
  const until = context.clock.now() + refusedForMs;
  const value = encodeOverride({ id, kind: 'port', target, actor, reason: message, until });
  return {
    error: new EngineError({ code, message, retryable, node, engine, call, hint, port, cause }),
    operations: [{ kind: 'put', key: keys.override(id), value }],
  };
}

/** Records a refused port; returns the error to go on with. */
export async function noteRefusedPort(
  { context, journal }: { readonly context: RunContext; readonly journal: UnitJournal },
  error: unknown,
): Promise<unknown> {
  const refused = refusedPort(context, error);
  if (refused === undefined) return error;
  await journal.append([], refused.operations);
  return refused.error;
}

/** An allocation of that node holds the port, and nobody had asked for just this one. */
function isAutomatic({ allocations, revisions }: RunContext, node: NodeName, port: number): boolean {
  for (const { node: home, holds, revision } of allocations.values()) {
    if (home !== node) continue;
    const names = Object.entries(holds.ports ?? {}).flatMap(([name, held]) => (held === port ? [name] : []));
    const ports = names.length === 0 ? [] : (revisions.get(revision)?.ports ?? []);
    if (ports.some(({ name, publish }) => publish === 'auto' && names.includes(name))) return true;
  }
  return false;
}

/** Ports that nodes refused, as what they are to the planner and its verifier: held there by somebody else. */
export function withRefusedPorts(observed: Observed, overrides: readonly Override[]): Observed {
  const refused = overrides.filter(({ kind, until }) => kind === 'port' && until > observed.takenAt);
  if (refused.length === 0) return observed;
  const nodes = new Map(observed.nodes);
  for (const { target } of refused) {
    const at = target.lastIndexOf(':');
    const name = nodeName(target.slice(0, at));
    const node = nodes.get(name);
    if (node !== undefined) nodes.set(name, holding(node, Number(target.slice(at + 1))));
  }
  return { ...observed, nodes };
}

function holding(node: ObservedNode, port: number): ObservedNode {
  const [engine = 'docker'] = Object.keys(node.engines) as ForeignObject['engine'][];
  const holder: ForeignObject = { engine, name: `port ${port}, which was refused`, resources: {}, ports: [port] };
  return { ...node, foreign: [...node.foreign, holder] };
}
