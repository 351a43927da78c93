import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { unsupportedBy } from '../../model/engine-features.ts';
import type { CallSite } from '../deadline.ts';
import { type CreateRequest, objectName, type UpdateRequest } from '../engine.ts';
import { engineFeatures } from '../features.ts';
import { changedBeyond } from '../in-place.ts';
import { failure } from './fail.ts';
import { readSpec, readState, type Spec, workFolder, writeSpec } from './folder.ts';
import { groupMembers, isRunning } from './identity.ts';
import { findObject, type StoredObject, unfinishedPrefix } from './objects.ts';
import type { ProcessNode } from './observe.ts';
import { refuseTakenPorts } from './start.ts';
import { evidenceOf } from './translate.ts';

/** Nothing takes this long to make or remove a folder. */
const unfinishedForMs = 3_600_000;

/** Makes the object's folder whole, in one rename: a crash leaves all of it or nothing. */
export function createObject(node: ProcessNode, request: CreateRequest, site: CallSite): { readonly objectId: string } {
  const name = objectName(node.cluster.name, request.allocation);
  const folder = join(node.root, name);
  const spec = newSpec(node, request, site);
  const existing = ownObject(folder, spec);
  if (existing !== undefined) return existing;
  refuseTakenPorts(spec, site);
  clearUnfinished(node.root);
  const unfinished = join(node.root, `${unfinishedPrefix}creating-${spec.objectId}`);
  mkdirSync(workFolder(unfinished), { recursive: true, mode: 0o700 });
  writeSpec(unfinished, spec);
  try {
    renameSync(unfinished, folder);
    return { objectId: spec.objectId };
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    const other = ownObject(folder, spec);
    if (other !== undefined) return other;
    throw failure(site, {
      code: 'foreignName',
      message: `${request.allocation}: ${folder} exists and is not an object of this cluster; it was left as it is`,
      hint: 'look at what is in there, then move it away or remove it, and run it again',
    });
  }
}

/** Rewrites the record of what runs, for fields that no running program sees. */
export function updateObject(object: StoredObject, request: UpdateRequest, site: CallSite): void {
  const changed = changedBeyond(engineFeatures.process.liveFields, object.spec, request);
  if (changed.length > 0) {
    throw failure(site, {
      code: 'unsupported',
      message: `${object.spec.allocation} in place: ${changed.join(', ')} need a new process`,
    });
  }
  writeSpec(object.folder, { ...object.spec, ...request });
}

/** Success when it is gone already. What runs is never removed. */
export function removeObject(node: ProcessNode, objectId: string, site: CallSite): void {
  const object = findObject(node.root, node.cluster, objectId);
  if (object === undefined) return;
  const state = readState(object.folder);
  if (isRunning(state?.supervisor) || groupMembers(state?.child, evidenceOf(object.spec)).length > 0) {
    throw failure(site, {
      code: 'rejected',
      message: `${object.spec.allocation}: it is running (pid ${state?.child?.pid ?? state?.supervisor.pid})`,
      hint: 'stop it first',
    });
  }
  const unfinished = join(node.root, `${unfinishedPrefix}removing-${objectId}`);
  renameSync(object.folder, unfinished);
  rmSync(unfinished, { recursive: true, force: true });
}

/** What a crash left of folders that were being made or removed. Young ones may be another Muster's, at work now. */
function clearUnfinished(root: string): void {
  const names = existsSync(root)
    ? readdirSync(root).filter((name) => /^\.(creating|removing)-[0-9a-f]{32}$/.test(name))
    : [];
  for (const name of names) {
    const path = join(root, name);
    const changedAt = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - changedAt > unfinishedForMs) rmSync(path, { recursive: true, force: true });
  }
}

function newSpec(node: ProcessNode, request: CreateRequest, site: CallSite): Spec {
  const { revision } = request;
  if (node.cluster.uid === undefined) {
    throw failure(site, { code: 'rejected', message: `${request.allocation}: the cluster has no uid yet` });
  }
  if (revision.command.length + revision.args.length === 0) {
    throw failure(site, {
      code: 'rejected',
      message: `${request.allocation}: it has no command`,
      hint: 'set spec.command: a process has no image that could bring one',
    });
  }
  if (revision.image !== undefined) throw unsupportedImage(request.allocation, site);
  const [beyond] = unsupportedBy(revision, engineFeatures.process);
  if (beyond !== undefined) {
    throw failure(site, {
      code: 'unsupported',
      message: `${request.allocation}: the process engine cannot ${beyond.what}`,
      hint: 'use engine: docker, or leave it out',
    });
  }
  return {
    formatVersion: 1,
    objectId: randomBytes(16).toString('hex'),
    cluster: node.cluster.uid,
    node: site.node,
    allocation: request.allocation,
    revisionHash: request.revisionHash,
    effect: request.effect,
    token: request.token,
    revision,
    holds: request.holds,
    logBytes: node.logBytes,
  };
}

export const unsupportedImage = (subject: string, site: CallSite): Error =>
  failure(site, {
    code: 'unsupported',
    message: `${subject}: the process engine has no images`,
    hint: 'remove spec.image, or use engine: docker',
  });

function ownObject(folder: string, wanted: Spec): { readonly objectId: string } | undefined {
  const spec = readSpec(folder);
  const same = spec !== undefined && spec.cluster === wanted.cluster && spec.allocation === wanted.allocation;
  return same ? { objectId: spec.objectId } : undefined;
}
