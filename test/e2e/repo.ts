/** Documents of small clusters for tests: process nodes, and workloads that cost next to nothing. */

/** A cluster whose nodes are folders below the state directory. */
export function clusterFile(options: {
  readonly nodes: readonly string[];
  /** First port of the first node; each has ten. Distinct for clusters that run at the same time. */
  readonly firstPort?: number;
  readonly cpu?: number;
  readonly memory?: string;
}): string {
  const { nodes, firstPort = 24_000, cpu = 8, memory = '8GiB' } = options;
  const cluster =
    'apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: tiny}\nspec:\n  prune: {stopAfter: 0s, deleteAfter: 0s}\n';
  const pod = 'apiVersion: muster/v1\nkind: Pod\nmetadata: {name: local}\nspec: {}\n';
  const documents = nodes.map((name, index) => {
    const first = firstPort + 10 * index;
    return `apiVersion: muster/v1
kind: Node
metadata: {name: ${name}}
spec:
  pod: local
  engines: {process: {root: nodes/${name}}}
  capacity: {cpu: ${cpu}, memory: ${memory}, storage: 8GiB}
  ports: {range: ${first}-${first + 9}}
`;
  });
  return [cluster, pod, ...documents].join('---\n');
}

/** A line of a workload's spec that holds its rollout at the health gate until the test writes this file. */
export const heldUntil = (file: string): string =>
  `health: {exec: {command: [test, -e, "${file}"]}, interval: 100ms, timeout: 20s, healthyAfter: 1}`;

/** A workload of `sleep`s; `extra` are further lines of its spec. */
export function sleeper(options: {
  readonly name: string;
  readonly replicas: number;
  readonly version?: string;
  readonly command?: string;
  readonly update?: string;
  readonly extra?: readonly string[];
}): string {
  const { name, replicas, version = '1', command = '[sleep, infinity]', update, extra = [] } = options;
  return `apiVersion: muster/v1
kind: Workload
metadata: {name: ${name}}
spec:
  engine: process
  command: ${command}
  env: {VERSION: "${version}"}
  replicas: ${replicas}
  resources: {cpu: 10m, memory: 1MiB}
  restart: never
  stop: {grace: 2s}
${update === undefined ? '' : `  update: ${update}\n`}${extra.map((line) => `  ${line}\n`).join('')}`;
}
