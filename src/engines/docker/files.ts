import type { RevisionFile } from '../../model/revision.ts';
import type { DockerClient } from './client.ts';
import { failure, messageOf, statusOf, unlessStatus } from './errors.ts';
import { contentIn, tarOf } from './tar.ts';

/**
 * Puts the files of a revision into a container that does not run yet, through the daemon: they are nowhere else on its
 * machine. Doing it again changes nothing.
 */
export async function putFiles(
  client: DockerClient,
  container: { readonly objectId: string; readonly files: readonly RevisionFile[] },
  signal: AbortSignal,
): Promise<void> {
  const { objectId, files } = container;
  if (files.length === 0) return;
  const archive = tarOf(
    files.map(({ name, content, mode, uid, gid }) => ({
      kind: 'file',
      path: name.slice(1),
      content,
      mode: Number.parseInt(mode, 8),
      uid,
      gid,
    })),
  );
  // A file never takes the place of a directory with all that is in it.
  const options = { path: '/', noOverwriteDirNonDir: '1', abortSignal: signal };
  try {
    await client.docker.getContainer(objectId).putArchive(archive, options);
  } catch (error) {
    // Docker has no status of its own for what it cannot unpack.
    const isUnpacking = /processing tar file/i.test(messageOf(error)) && !/no space left/i.test(messageOf(error));
    if (!isUnpacking && (statusOf(error) ?? 500) >= 500) throw error;
    throw failure(client, 'create', {
      code: 'rejected',
      message: `docker on ${client.node} refuses files: ${messageOf(error)}`,
      retryable: false,
      hint: 'is there a directory of the image where a file is to be, or a file where it needs a directory?',
      cause: error,
    });
  }
}

/** What files of a container hold now, by path; what is gone, or is no file any more, is left out. */
export async function readFiles(
  client: DockerClient,
  container: { readonly objectId: string; readonly paths: readonly string[] },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of container.paths) {
    const request = client.docker.getContainer(container.objectId).getArchive({ path, abortSignal: signal });
    const stream = await unlessStatus([404], request);
    if (stream === undefined) continue;
    const content = contentIn(await bytesOf(stream));
    if (content !== undefined) found.set(path, content.toString('utf8'));
  }
  return found;
}

/** Files of a revision are small; what has grown since is not read to its end. */
const mostArchiveBytes = 256 * 1024;

async function bytesOf(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    parts.push(Buffer.from(part as Buffer));
    length += (part as Buffer).length;
    if (length > mostArchiveBytes) break;
  }
  return Buffer.concat(parts);
}
