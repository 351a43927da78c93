import type { EngineError } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { failure, messageOf } from './errors.ts';

/** What the daemon or the kernel of a node does not have of a `docker` block, by what they say, and what to do. */
const fields: readonly { readonly field: string; readonly says: RegExp; readonly hint: string }[] = [
  {
    field: 'docker.devices',
    says: /error gathering device information|custom device/i,
    hint: 'is the device there on that node? Place the workload where it is (placement.require), or leave it out',
  },
  {
    field: 'docker.sysctls',
    says: /sysctl|\/proc\/sys\//i,
    hint: 'does the kernel of that node have the parameter, and allow the value? sysctl NAME shows it there',
  },
  {
    field: 'docker.ulimits',
    says: /rlimit|ulimit/i,
    hint: 'a hard limit cannot be above what dockerd has itself: see LimitNOFILE= and the like of its unit',
  },
  {
    field: 'docker.capabilities',
    says: /unable to apply caps|bounding set|capabilit/i,
    hint: 'dockerd cannot give what it does not have itself',
  },
  {
    field: 'docker.storageSize',
    says: /--?storage-opt|quota/i,
    hint: 'docker can hold a layer to a size on btrfs, zfs and devicemapper, and with overlay2 on an xfs that is mounted with pquota',
  },
  {
    field: 'docker.runtime',
    says: /unknown (?:or invalid )?runtime/i,
    hint: 'docker info shows the runtimes of that node; others are declared in its daemon.json',
  },
  {
    field: 'docker.logging',
    says: /logging plugin|no log driver named|log opt|logging driver|logger/i,
    hint: 'docker info shows the log drivers of that node; the options are those of the driver, as docker calls them',
  },
  {
    field: 'docker.shmSize',
    says: /shm ?size|\/dev\/shm/i,
    hint: 'choose another size',
  },
];

/** The refusal in the words of what was declared; undefined where it has nothing to do with the `docker` block. */
export function refusedOption(client: DockerClient, call: string, error: unknown): EngineError | undefined {
  const text = messageOf(error);
  const known = fields.find(({ says }) => says.test(text));
  if (known === undefined) return undefined;
  return failure(client, call, {
    code: 'unsupported',
    message: `docker on ${client.node} refuses ${known.field}: ${text}`,
    retryable: false,
    hint: known.hint,
    cause: error,
  });
}
