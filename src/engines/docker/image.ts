import type { Revision } from '../../model/revision.ts';
import type { EngineError } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { hasImage } from './daemon.ts';
import { failure, messageOf, statusOf } from './errors.ts';

/** The reference of a revision, with the tag that docker means where none is written. */
export function imageOf(client: DockerClient, revision: Revision, call: string): string {
  const { image } = revision;
  if (image === undefined) {
    throw failure(client, call, {
      code: 'rejected',
      message: 'a docker workload needs an image',
      retryable: false,
      hint: 'set spec.image',
    });
  }
  return image;
}

/** Makes an image present. The registry is asked only for what is not there. */
export async function pullImage(client: DockerClient, revision: Revision, signal: AbortSignal): Promise<void> {
  const image = imageOf(client, revision, 'pull');
  if (await hasImage(client, image, signal)) return;
  try {
    // Without a tag docker would pull every tag that there is.
    const stream = await client.docker.pull(withTag(image), { abortSignal: signal });
    await new Promise<void>((resolve, reject) => {
      // `pull` resolves when the transfer begins; errors of the registry come in the stream.
      client.docker.modem.followProgress(
        stream,
        (error: Error | null, progress: readonly { readonly error?: string }[]) => {
          const failed = progress.find((line) => line.error !== undefined)?.error;
          if (error !== null) reject(error);
          else if (failed !== undefined) reject(new Error(failed));
          else resolve();
        },
      );
    });
  } catch (error) {
    throw missing(client, image, error);
  }
  // A transfer that breaks off ends its stream without an error.
  if (!(await hasImage(client, image, signal)))
    throw missing(client, image, new Error('the transfer ended before the image was there'));
}

function missing(client: DockerClient, image: string, error: unknown): EngineError | unknown {
  if (error instanceof Error && 'code' in error && statusOf(error) === undefined) return error; // The daemon, not the registry.
  const text = messageOf(error);
  const status = statusOf(error);
  // The daemon answers 500 for an unreachable registry as well as in-stream errors without any code.
  const refused =
    status === 404 ||
    status === 401 ||
    status === 403 ||
    /not found|manifest unknown|denied|unauthorized|invalid reference/i.test(text);
  return failure(client, 'pull', {
    code: 'imageMissing',
    message: `docker on ${client.node} has no image ${image} and cannot pull it: ${text}`,
    retryable: !refused,
    hint: refused
      ? 'check the name and tag; load it by hand where no registry has it: docker load, docker import'
      : 'is the registry reachable from that node? Without one load the image by hand: docker load, docker import',
    cause: error,
  });
}

const withTag = (image: string): string => (/(@|:[^/]+$)/.test(image) ? image : `${image}:latest`);
