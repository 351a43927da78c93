/** A file of the starter repo, by its path inside it. */
export interface StarterFile {
  readonly path: string;
  readonly text: string;
}

/** Editors with a YAML language server complete and explain from this line. */
const schemaLine = (kind: string): string =>
  `# yaml-language-server: $schema=https://raw.githubusercontent.com/muster-gitops/muster/main/schema/${kind}.schema.json\n`;

/** The repo that `muster init` writes: small, complete, commented; validates and plans as it is. */
export const starterFiles = (cluster: string): readonly StarterFile[] => [
  { path: 'cluster.yaml', text: schemaLine('cluster') + clusterYaml(cluster) },
  { path: 'pods/local.yaml', text: schemaLine('pod') + podYaml },
  { path: 'nodes/local.yaml', text: schemaLine('node') + nodeYaml },
  { path: 'workloads/hello.yaml', text: schemaLine('workload') + workloadYaml },
  { path: 'quotas/default.yaml', text: schemaLine('quota') + quotaYaml },
  { path: 'policies/default.yaml', text: schemaLine('policy') + policyYaml },
  { path: 'README.md', text: readme(cluster) },
  { path: '.gitignore', text: '# What Muster records and runs on this machine; not configuration.\n.muster/\n' },
  { path: '.github/workflows/muster.yml', text: workflow },
];

const clusterYaml = (
  cluster: string,
): string => `# The cluster itself. \`spec: {}\` is a working cluster: every field has a default.
apiVersion: muster/v1
kind: Cluster
metadata:
  name: ${cluster}
spec: {}
  # Where recorded state is kept. Absent: embedded, in .muster/ beside this file.
  # store: {etcd: {endpoints: ["https://10.0.0.1:2379"], prefix: /muster}}
  #
  # How long a workload that left git keeps running, and how long its remains are kept after that.
  # prune: {stopAfter: 10m, deleteAfter: 24h}
`;

const podYaml = `# A pod is a named group of nodes. (Not a Kubernetes pod: what runs on a node is an instance of a workload.)
apiVersion: muster/v1
kind: Pod
metadata:
  name: local
spec:
  description: this machine
`;

const nodeYaml = `# A node is a machine with one or more engines. This one is your own machine: the process engine starts instances as
# local processes and needs nothing installed.
apiVersion: muster/v1
kind: Node
metadata:
  name: local
spec:
  pod: local
  lifecycle: online # spare | online | cordoned | maintenance | offline
  engines:
    process: {root: nodes/local}
    # docker: {endpoint: "unix:///var/run/docker.sock"}
  capacity: {cpu: 2, memory: 2GiB, storage: 10GiB} # parts left out are asked of the engine
  ports: {range: 31000-31099} # what \`publish: auto\` draws from
`;

const workloadYaml = `# A service: what runs, how many of it, how to tell that it works, and how it is changed.
apiVersion: muster/v1
kind: Workload
metadata:
  name: hello
  namespace: default
spec:
  type: stateless # stateless | stateful | static | daemon
  engine: process # docker takes an image instead of a command
  command: [node]
  args:
    - -e
    - |
      // A web server in a few lines. Muster chooses a free port and passes it in PORT_HTTP.
      const http = require('node:http');
      const server = http.createServer((request, response) => {
        response.end(request.url === '/healthz' ? 'ok' : process.env.GREETING + ' from ' + process.env.MUSTER_ORDINAL + '\\n');
      });
      server.listen(Number(process.env.PORT_HTTP), '127.0.0.1');
      process.on('SIGTERM', () => server.close(() => process.exit(0)));
  env:
    GREETING: hello # change it, commit, and look at \`muster plan\`
  replicas: 2
  resources: {cpu: 100m, memory: 128MiB} # reserved on the node
  ports:
    - {name: http, port: 8080, publish: auto}
  health:
    http: {port: http, path: /healthz}
    interval: 1s
    timeout: 1s
    healthyAfter: 2 # good answers in a row
  placement:
    pods: [local]
  update:
    groups: [1, 100%] # one instance first, then the rest
    observe: 2s # how long the first is watched
    healthyDeadline: 30s
    onFailure: rollback # a revision that does not become healthy is taken back
  stop: {signal: SIGTERM, grace: 5s}
`;

const quotaYaml = `# What a namespace may hold at most, a rollout's surge included. A plan that would exceed it is refused.
apiVersion: muster/v1
kind: Quota
metadata:
  name: default
spec:
  scope: {namespace: default}
  limits: {cpu: 1, memory: 1GiB, instances: 8}
`;

const policyYaml = `# How many instances of a workload may be unavailable at once: the 1-2-10 rule, which is the default, written out.
apiVersion: muster/v1
kind: Policy
metadata:
  name: default
spec:
  scope: {namespaces: ["*"]}
  disruption:
    - {below: 5, max: 1}
    - {upTo: 20, max: 2}
    - {max: 10%}
`;

const readme = (cluster: string): string => `# ${cluster}

What this cluster should look like. Muster makes it so.

\`\`\`
muster validate .     # is the configuration right?
muster plan .         # what would be done?
muster apply .        # do it
muster status .       # desired, recorded and observed side by side
\`\`\`

| folder | what is in it |
|---|---|
| \`cluster.yaml\` | the cluster: where its state is kept |
| \`pods/\`, \`nodes/\` | machines, in groups |
| \`workloads/\` | what runs on them |
| \`quotas/\`, \`policies/\` | how much at most, and how carefully it is changed |

Pull requests show their plan (\`.github/workflows/muster.yml\`) against \`snapshot.json\`, which \`muster snapshot --out
snapshot.json\` writes. The workflow needs no credentials and can change nothing.
`;

const workflow = `# Shows in every pull request what merging it would do. It has no credentials and changes nothing: it plans against
# snapshot.json, which somebody with access refreshes: \`muster snapshot --out snapshot.json\`, commit.
name: muster
on: pull_request
permissions:
  contents: read
  pull-requests: write # for the comment alone
jobs:
  plan:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - uses: actions/setup-node@v4
        with: {node-version: 20}
      - run: npm install --global muster-gitops
      - name: Validate
        run: muster validate . -o github
      - name: Plan
        id: plan
        run: |
          # Without a snapshot: plan as if nothing ran yet.
          [ -f snapshot.json ] || echo '{"formatVersion":"1.0","cluster":"'"$(sed -n 's/^  name: //p' cluster.yaml | head -n 1)"'","takenAt":"'"$(date -u +%FT%TZ)"'","storeRevision":0,"nodes":[],"instances":[]}' > snapshot.json
          muster plan . --state snapshot.json -o markdown > plan.md || code=$?
          cat plan.md >> "$GITHUB_STEP_SUMMARY"
          # 3: something is refused. The comment is posted all the same.
          echo "code=\${code:-0}" >> "$GITHUB_OUTPUT"
      - name: Comment
        if: always() && github.event.pull_request.head.repo.full_name == github.repository
        env:
          GH_TOKEN: \${{ github.token }}
        run: gh pr comment \${{ github.event.pull_request.number }} --body-file plan.md --edit-last --create-if-none
      - name: Refused plans fail the check
        run: exit \${{ steps.plan.outputs.code }}
`;
