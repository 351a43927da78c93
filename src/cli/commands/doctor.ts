import { execFile } from 'node:child_process';
import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Desired } from '../../model/desired.ts';
import type { EngineKind } from '../../model/ids.ts';
import { formatAbout } from '../../render/amounts.ts';
import { hang, usableWidth } from '../../render/layout.ts';
import { createPaint } from '../../render/paint.ts';
import { readIdentity } from '../../store/recorded.ts';
import { locate, type Place, readConfig, type SourceFlags } from '../config.ts';
import { loadCredentials } from '../credentials.ts';
import { describeError } from '../errors.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { enginesOf, openForReading, type StoreFlags, storeLocation } from '../world.ts';

export interface DoctorFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
}

interface Check {
  readonly what: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

const oldestNode = [20, 19] as const;
const leastFreeBytes = 1024 ** 3;
const engineDeadlineMs = 5_000;

/** Checks everything that Muster needs, one line each; fails when one of them does. */
export async function doctor(dir: string, flags: DoctorFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const { desired, diagnostics } = await readConfig(place);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const config: Check =
    desired !== undefined && errors === 0
      ? {
          what: 'configuration',
          state: 'ok',
          detail: `cluster ${desired.cluster.name}, ${desired.nodes.length} nodes, ${desired.workloads.length} workloads`,
        }
      : {
          what: 'configuration',
          state: 'fail',
          detail: `${errors} errors`,
          remedy: `muster validate ${dir} lists them`,
        };
  const checks = [
    nodeCheck(),
    await gitCheck(),
    await diskCheck(place),
    config,
    ...(desired === undefined
      ? []
      : [...(await storeChecks(place, desired, flags)), ...(await engineChecks(place, desired, flags))]),
  ];
  await terminal.result(
    flags.output === 'json'
      ? `${JSON.stringify(checks, undefined, 2)}\n`
      : renderChecks(checks, { color: terminal.color, width: terminal.width }),
  );
  return checks.some((check) => check.state === 'fail') ? exitCodes.error : exitCodes.ok;
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  const detail = `Node ${process.versions.node}`;
  return isNew
    ? { what: 'node', state: 'ok', detail }
    : { what: 'node', state: 'fail', detail, remedy: `Install Node ${oldestNode.join('.')} or newer` };
}

async function gitCheck(): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: engineDeadlineMs });
    return { what: 'git', state: 'ok', detail: stdout.trim() };
  } catch {
    return {
      what: 'git',
      state: 'warn',
      detail: 'not found',
      remedy: 'Install git; without it only directories can be read, not --repo',
    };
  }
}

async function diskCheck(place: Place): Promise<Check> {
  const what = 'disk';
  try {
    const folder = await firstExisting(place.stateDir);
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const detail = `${formatAbout('storageBytes', free)} free for ${place.stateDir}`;
    return free < leastFreeBytes
      ? {
          what,
          state: 'warn',
          detail,
          remedy: `Free some space: Muster wants ${formatAbout('storageBytes', leastFreeBytes)} for its store and logs`,
        }
      : { what, state: 'ok', detail };
  } catch (error) {
    const { text } = describeError(error, { debug: false });
    return {
      what,
      state: 'warn',
      detail: `${place.stateDir} is not writable: ${text.split('\n')[0]}`,
      remedy: 'apply and run need it; plan and status do not. MUSTER_STATE_DIR names another place',
    };
  }
}

const deepestPath = 64;

async function firstExisting(path: string): Promise<string> {
  let folder = path;
  for (let depth = 0; depth < deepestPath; depth += 1) {
    const found = await access(folder).then(
      () => true,
      () => false,
    );
    if (found) return folder;
    folder = dirname(folder);
  }
  return folder;
}

async function storeChecks(place: Place, desired: Desired, flags: StoreFlags): Promise<readonly Check[]> {
  const what = 'store';
  try {
    const location = storeLocation(place, desired, flags);
    const store = await openForReading(place, desired, flags);
    try {
      const startedAt = performance.now();
      const identity = await readIdentity(store);
      const took = Math.round(performance.now() - startedAt);
      const state =
        identity === undefined
          ? 'empty: nothing was applied yet'
          : `cluster ${identity.uid}, format ${identity.formatVersion}`;
      const detail = `${store.location} answers in ${took} ms; ${state}`;
      const isAlone = location.kind === 'etcd' && location.endpoints.length === 1;
      return [
        isAlone
          ? { what, state: 'warn', detail, remedy: 'A single etcd endpoint: list all members, so that one may fail' }
          : { what, state: 'ok', detail },
      ];
    } finally {
      await store.close();
    }
  } catch (error) {
    return [failed(what, error)];
  }
}

async function engineChecks(place: Place, desired: Desired, flags: StoreFlags): Promise<readonly Check[]> {
  const credentials = await loadCredentials(process.env).catch((error: unknown) => error);
  if (credentials instanceof Error) return [failed('credentials', credentials)];
  const uid = await storeUid(place, desired, flags);
  const engines = enginesOf({
    place,
    desired,
    credentials: credentials as Awaited<ReturnType<typeof loadCredentials>>,
    uid,
  });
  try {
    const checks = await Promise.all(
      desired.nodes.flatMap((node) =>
        (Object.keys(node.engines) as EngineKind[]).map(async (kind): Promise<readonly Check[]> => {
          const what = `${node.name}/${kind}`;
          try {
            const startedAt = performance.now();
            const engine = await engines.engineOf(node.name, kind);
            const info = await engine.info({ deadlineMs: engineDeadlineMs });
            const detail = `version ${info.version}, answers in ${Math.round(performance.now() - startedAt)} ms`;
            const findings = (await engine.findings?.({ deadlineMs: engineDeadlineMs })) ?? [];
            return [{ what, state: 'ok', detail }, ...findings.map((finding) => ({ what, ...finding }))];
          } catch (error) {
            return [failed(what, error)];
          }
        }),
      ),
    );
    return checks.flat();
  } finally {
    await engines.close();
  }
}

async function storeUid(
  place: Place,
  desired: Desired,
  flags: StoreFlags,
): Promise<Parameters<typeof enginesOf>[0]['uid']> {
  try {
    const store = await openForReading(place, desired, flags);
    try {
      return (await readIdentity(store))?.uid;
    } finally {
      await store.close();
    }
  } catch {
    // The store's own line says what is wrong with it; engines can be reached without.
    return undefined;
  }
}

function failed(what: string, error: unknown): Check {
  const [first = '', ...rest] = describeError(error, { debug: false })
    .text.replace(/^error: /, '')
    .split('\n');
  const remedy = rest.map((line) => line.trim()).join(' ');
  return { what, state: 'fail', detail: first, ...(remedy !== '' && { remedy }) };
}

function renderChecks(
  checks: readonly Check[],
  options: { readonly color: boolean; readonly width: number | undefined },
): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const tones = { ok: paint.good, warn: paint.warn, fail: paint.bad } as const;
  const widest = Math.max(...checks.map((check) => check.what.length));
  const lines = checks.flatMap((check) => {
    const label = `${tones[check.state](check.state.padEnd(4))}  ${check.what.padEnd(widest)}  `;
    const detail = hang(label, check.detail, width);
    return check.remedy === undefined ? [detail] : [detail, hang('      ', `→ ${check.remedy}`, width)];
  });
  const bad = checks.filter((check) => check.state === 'fail').length;
  const verdict =
    bad === 0
      ? paint.good('Everything that Muster needs is there.')
      : paint.bad(`${bad} of ${checks.length} checks failed.`);
  return `${[...lines, '', verdict].join('\n')}\n`;
}
