/**
 * Every code that a diagnostic, refusal, warning or failure carries. docs/errors.md is generated from this table
 * (`scripts/errors-doc.ts`), and so are the rules of the SARIF output.
 *
 * 1xxx sources and configuration · 2xxx store · 3xxx engines · 4xxx refusals · 5xxx plan warnings · 6xxx apply and run
 */
export interface CodeEntry {
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
}

export const codes: Readonly<Record<string, CodeEntry>> = {
  // 10xx: text and documents
  MUS1001: {
    title: 'YAML syntax error',
    cause:
      'The text is not valid YAML at the marked place: a tab in the indentation, an unclosed quote or bracket, merge conflict markers.',
    remedy:
      'Mend the marked line. Indent with spaces; an editor with a YAML language server shows the same mistake while typing.',
  },
  MUS1002: {
    title: 'duplicate key',
    cause: 'A mapping has the same key twice; readers disagree about which one counts.',
    remedy: 'Keep one of the two.',
  },
  MUS1003: {
    title: 'unknown key',
    cause:
      'The schema of this kind has no such key at this place: a typing mistake, or a key that belongs one level higher or lower.',
    remedy: 'Use one of the keys listed under "allowed". docs/reference/ describes every kind.',
  },
  MUS1004: {
    title: 'wrong type or value',
    cause: 'The value is not of the type, form or range that the schema asks for.',
    remedy: 'Change the value to what is listed under "allowed".',
  },
  MUS1005: {
    title: 'required key missing',
    cause: 'The kind cannot work without this key and it has no default.',
    remedy: 'Add the key.',
  },
  MUS1006: {
    title: 'bad quantity',
    cause: 'The text is not a quantity: an unknown unit, too many decimals, or a unit of another dimension.',
    remedy: 'Cores: 500m, 1.5. Bytes: 512MiB, 1GB. Bit rates: 100Mbit. Pieces: 2, 0.5. Durations: 2m30s.',
  },
  MUS1007: {
    title: 'not supported yet',
    cause:
      'The format already has this field or value, and this version of Muster would not act on it. It is refused rather than ignored.',
    remedy: 'Leave it out. docs/reference/ lists what is not supported yet for every kind.',
  },
  MUS1008: {
    title: 'unknown kind',
    cause: 'There is no such kind of document.',
    remedy: 'Use one of the kinds listed under "allowed".',
  },
  MUS1009: {
    title: 'not a Muster document',
    cause: 'A YAML document does not begin with `apiVersion: muster/v1`, or is not a map.',
    remedy:
      'Add apiVersion, kind, metadata and spec; move files of other tools into a folder whose name begins with a dot, or outside of the source’s `path`.',
  },
  MUS1010: {
    title: 'document too complex',
    cause:
      'A file has more documents, deeper nesting, larger maps or more repetition by aliases than any configuration needs.',
    remedy:
      'Split the file, or write the values out; NodeSet and patches say the same thing many times without aliases.',
  },
  // 11xx: where configuration comes from
  MUS1101: {
    title: 'source unreachable',
    cause: 'The git server did not answer, or the network or a name lookup failed.',
    remedy:
      'Try `git ls-remote URL` as the same user on the same machine. Nothing is removed while a source cannot be read.',
  },
  MUS1102: {
    title: 'unknown ref',
    cause: 'The repository has no branch, tag or commit of this name.',
    remedy: 'Check the name; `git ls-remote URL` lists what there is. A commit must be reachable from a branch or tag.',
  },
  MUS1103: {
    title: 'not a git repository',
    cause:
      'The URL or path exists but holds no git repository, or git refuses to read it because somebody else owns it.',
    remedy: 'Check the URL. For a directory without git, pass the directory itself instead of `--repo`.',
  },
  MUS1104: {
    title: 'access to the source denied',
    cause: 'The git server refused the credentials, asked for some that were not there, or its host key is not known.',
    remedy:
      'Make `git ls-remote URL` work without a prompt as the user that runs Muster: an SSH key, a credential helper, known_hosts.',
  },
  MUS1105: {
    title: 'git failed',
    cause: 'The git command ended with an error that has no code of its own, or git is not installed.',
    remedy: 'Read the message, which is git’s own. Muster needs git 2.30 or newer in PATH.',
  },
  MUS1106: {
    title: 'directory not readable',
    cause: 'The directory or a file in it does not exist or may not be read.',
    remedy: 'Check the path and its permissions.',
  },
  MUS1107: {
    title: 'symbolic link leaves the repository',
    cause:
      'A link points outside of the repository, so that the same commit would mean something else on another machine.',
    remedy: 'Move the file into the repository, or use `Cluster.spec.include` for a directory of the same repository.',
  },
  MUS1108: {
    title: 'file too large',
    cause: 'A YAML file is larger than 1 MiB.',
    remedy: 'Split it: any number of files is fine. NodeSet declares a thousand nodes in a few lines.',
  },
  MUS1109: {
    title: 'too many files',
    cause: 'The source holds more YAML files than Muster reads (50,000).',
    remedy: 'Point the source’s `path` at the directory with the cluster’s files.',
  },
  MUS1110: {
    title: 'submodule not read',
    cause: 'The tree holds a git submodule. Its files are in another repository and are not read.',
    remedy: 'Declare the other repository under `Cluster.spec.sources`.',
  },
  MUS1111: {
    title: 'not UTF-8',
    cause: 'A file holds bytes that are not UTF-8 text.',
    remedy: 'Save the file as UTF-8.',
  },
  MUS1112: {
    title: 'file changed while it was read',
    cause: 'The directory was being written while Muster read it.',
    remedy: 'Run the command again.',
  },
  MUS1113: {
    title: 'symbolic link to nothing',
    cause: 'A link points at a file or directory that does not exist, or at itself.',
    remedy: 'Mend or delete the link.',
  },
  // 12xx: includes and patches
  MUS1201: {
    title: 'include outside the repository',
    cause: 'An include path leaves the repository (or the directory, where there is no repository).',
    remedy: 'Include directories of the same repository; other repositories belong under `Cluster.spec.sources`.',
  },
  MUS1202: {
    title: 'include cycle',
    cause: 'A directory includes itself, directly or through others.',
    remedy: 'Break the cycle: move what both need into a third directory.',
  },
  MUS1203: {
    title: 'included directory not found',
    cause: 'There is no such directory, or it holds no YAML files.',
    remedy: 'Include paths are relative to the root of the source that the Cluster document is in.',
  },
  MUS1204: {
    title: 'included Cluster decides too much',
    cause:
      'A Cluster document of an included directory may only have `include` and `patches`: everything else is decided by the cluster that includes it.',
    remedy: 'Move the other settings into the including Cluster document.',
  },
  MUS1205: {
    title: 'patch matches nothing',
    cause: 'No document has the kind, namespace and name of the patch’s target.',
    remedy: 'Correct the target, or delete the patch.',
  },
  MUS1206: {
    title: 'patch cannot be merged',
    cause: 'The patch would change the identity of a document, or merges a mapping into something that is not one.',
    remedy: 'Patch `spec`, `metadata.labels` and `metadata.annotations` only, with values of the same shape.',
  },
  // 13xx: documents seen together
  MUS1301: {
    title: 'no Cluster document',
    cause: 'The source holds no document of kind Cluster, so that nothing says which cluster this is.',
    remedy: 'Add cluster.yaml (`spec: {}` is enough), or point at the folder that holds it.',
  },
  MUS1302: {
    title: 'two Cluster documents',
    cause: 'A config repo describes one cluster.',
    remedy: 'Give every cluster a folder of its own; what they share goes into a folder that both include.',
  },
  MUS1303: {
    title: 'declared twice',
    cause:
      'Two documents declare the same thing: the same kind and name (and namespace), or one node by a Node and a NodeSet.',
    remedy: 'Rename or delete one of them.',
  },
  MUS1304: {
    title: 'unknown pod',
    cause: 'A node, quota or placement names a pod that no document declares.',
    remedy: 'Declare the pod, or correct the name.',
  },
  MUS1305: {
    title: 'unknown namespace',
    cause: 'Namespaces are declared in this cluster, and this one is not.',
    remedy: 'Declare the namespace, or correct the name.',
  },
  MUS1306: {
    title: 'unknown workload',
    cause: '`after`, `affinity` or `antiAffinity` names a workload that is not declared.',
    remedy: 'Correct the name (`namespace/name`), or remove it.',
  },
  MUS1307: {
    title: 'workloads wait for each other',
    cause:
      'The `after` entries form a circle, so that none of the workloads could come first. Workloads of one transaction are committed together, so none of them can come after another, or after something that does.',
    remedy: 'Remove one of the entries.',
  },
  MUS1308: {
    title: 'unknown parent quota',
    cause: '`parent` names a quota that is not declared.',
    remedy: 'Correct the name, or remove it.',
  },
  MUS1309: {
    title: 'quota parent cycle',
    cause: 'Quotas are, directly or through others, their own parents.',
    remedy: 'Remove one of the parents.',
  },
  MUS1310: {
    title: 'health check without a port',
    cause: 'A health check asks a port that the workload does not have, does not publish, or that is UDP.',
    remedy: 'Name one of the workload’s TCP ports, or use an exec check.',
  },
  MUS1311: {
    title: 'ports clash',
    cause:
      'Two ports of a workload have the same name, number or published port, or a fixed port would be published twice on a node.',
    remedy: 'Change one of them, or use `publish: auto`.',
  },
  MUS1312: {
    title: 'no node has the engine',
    cause: 'No node in the pods of the workload has the engine that it needs.',
    remedy: 'Choose another engine or pod, or give nodes of the pod that engine.',
  },
  MUS1313: {
    title: 'does not fit the engine',
    cause:
      'What the engine needs is missing (image for docker, command for process), a field belongs to another engine, or the workload asks for something that the engine cannot do.',
    remedy: 'Add what is missing; remove what the engine does not have, or use one that has it.',
  },
  MUS1314: {
    title: 'health check without one probe',
    cause: 'A health check has none of http, tcp and exec, or more than one.',
    remedy: 'Keep exactly one.',
  },
  MUS1315: {
    title: 'bad pattern of names',
    cause: 'The brackets of a NodeSet’s names are not ranges, or make too many names or none.',
    remedy: 'Write ranges such as [a:c] or [001:500], the smaller end first.',
  },
  MUS1316: {
    title: 'override of no node',
    cause: 'An override names a node that its NodeSet does not make.',
    remedy: 'Correct the name, or remove the override.',
  },
  MUS1317: {
    title: 'address outside of its network',
    cause: 'A gateway or pool lies outside of the subnet, pools overlap, or the text is not an address.',
    remedy: 'Correct the addresses.',
  },
  MUS1318: {
    title: 'removed and declared',
    cause: 'A Refactor names a workload as removed whose document is still there.',
    remedy: 'Delete the document, or the line in the Refactor.',
  },
  MUS1319: {
    title: 'source may not declare this',
    cause: '`Cluster.spec.sources[].allow` does not include the kind or namespace of the document.',
    remedy: 'Move the document to a source that may declare it, or widen `allow`.',
  },
  MUS1320: {
    title: 'contradiction',
    cause:
      'Two settings contradict each other: a limit below the reservation, more reserved than there is, replicas of a daemon, an empty port range.',
    remedy: 'Read the message: it names both sides.',
  },
  MUS1321: {
    title: 'override outlived its day',
    cause: 'The day in `until` of a NodeSet override has passed. Overrides in git do not end by themselves.',
    remedy: 'Remove the override, or move the day.',
  },
  MUS1322: {
    title: 'source incomplete',
    cause: 'A source of the cluster could not be read, so that what it declares is unknown.',
    remedy: 'Nothing that it may declare is changed or removed meanwhile. Make it readable again.',
  },
  MUS1323: {
    title: 'volume does not fit',
    cause:
      'Two volumes of a workload have the same name or mount, a node declares a device twice, no node of the workload has the device, a volume asks for what its source does not have, or exclusive volumes cannot share one device.',
    remedy: 'Change one of the two, name a device of `capacity.volumes`, or use `source: auto`.',
  },
  MUS1324: {
    title: 'NUMA nodes contradict the node',
    cause:
      'A core is in two NUMA nodes, or is not among the cores that `capacity.cpu` counts, or the NUMA nodes have more memory together than the node.',
    remedy: 'Compare with `lscpu` and `numactl --hardware` on the machine.',
  },
  MUS1325: {
    title: 'unknown network',
    cause: 'A workload names a network, or a pool of a network, that no document declares.',
    remedy: 'Declare the network (or the pool), or correct the name.',
  },
  MUS1326: {
    title: 'address for several',
    cause:
      'A fixed address is asked for by more than one instance: two workloads name it, or one that has several replicas.',
    remedy: 'Give each its own address, or use `ip: pool` or `ip: keep`.',
  },
  MUS1327: {
    title: 'spread that no placement can satisfy',
    cause:
      'The nodes that may run the workload are in fewer zones, racks or nodes than `spread.minDomains`, so that every plan would refuse it.',
    remedy: 'Lower minDomains, widen the placement, or give the nodes a zone (rack).',
  },
  MUS1328: {
    title: 'near and away at once',
    cause: '`affinity` and `antiAffinity` name the same workload so that no place can be both.',
    remedy: 'Remove one of the two, or keep apart in a narrower domain than you keep together in.',
  },
  MUS1329: {
    title: 'transaction of too many workloads',
    cause:
      'All workloads of a transaction are committed in one write to the store, and that takes 32 of them at the most.',
    remedy: 'Name fewer workloads, or put them into several transactions.',
  },
  MUS1330: {
    title: 'transaction of one workload',
    cause: 'No other workload of the namespace names this transaction, so that nothing changes together.',
    remedy: 'Correct the name, name it in the other workloads as well, or remove it.',
  },
  MUS1335: {
    title: 'secret in the open',
    cause:
      'An option of a log driver looks like a secret: it would stand in git, in the store and in `docker inspect`.',
    remedy: 'Give it to the daemons of the nodes (`log-opts` in daemon.json), and leave it out of the workload.',
  },
  MUS1336: {
    title: 'file does not fit',
    cause:
      'A file would be hidden by what is mounted there, is declared twice, cannot be put into a read-only container, or the files of a workload are too large together.',
    remedy: 'Choose another path; put what is large into the image or a volume.',
  },
  // 2xxx: store
  MUS2001: {
    title: 'store unreachable',
    cause: 'No member of etcd answered in time. Nothing that runs is touched while the store is away.',
    remedy:
      'Check the endpoints, the network and `etcdctl endpoint health`. `muster run` goes on by itself when it is back. Meanwhile `muster status --from engines` shows what runs.',
  },
  MUS2002: {
    title: 'outcome of a write unknown',
    cause: 'The store was lost between a write and its answer, and could not be asked again in time.',
    remedy: 'Run the command again: it first finds out what happened and finishes or undoes it.',
  },
  MUS2003: {
    title: 'store out of space',
    cause: 'etcd has raised its NOSPACE alarm, or the disk of the embedded store is full.',
    remedy: 'Make room; for etcd compact, defragment and disarm the alarm, or raise its quota.',
  },
  MUS2004: {
    title: 'store refuses access',
    cause: 'The user, password or client certificate is missing, wrong or expired.',
    remedy: 'Check the host-local credentials file; credentials never come from git.',
  },
  MUS2005: {
    title: 'another Muster is writing',
    cause: 'The embedded store has one writer, and a cluster has one leader: somebody else is it now.',
    remedy: 'Wait for it to end, or pass `--lock-timeout 5m`. Reading commands work beside it.',
  },
  MUS2006: {
    title: 'store damaged',
    cause: 'A store file is truncated or does not hold what Muster wrote.',
    remedy:
      'Keep a copy of it and restore a backup. What runs on the engines is not affected: `muster status --from engines` shows it.',
  },
  MUS2007: {
    title: 'too large for the store',
    cause: 'A value is larger than 1 MB or a transaction has more than 100 operations.',
    remedy: 'This is a bug in Muster unless a single workload is extremely large; report it.',
  },
  MUS2008: {
    title: 'store closed',
    cause: 'The store was used after it had been closed, which happens while Muster shuts down.',
    remedy: 'Run the command again; if it comes back, report it.',
  },
  MUS2009: {
    title: 'store failed',
    cause: 'The store answered with an error that has no code of its own.',
    remedy: 'Read the message and the logs of etcd.',
  },
  MUS2010: {
    title: 'store is being restored',
    cause: '`muster store restore` is under way, or was interrupted in the middle. What the store says is not whole.',
    remedy: 'Wait for it, or run it again with the same file: it goes on. Nothing that runs is touched meanwhile.',
  },
  MUS2011: {
    title: 'backup cannot be used',
    cause:
      'The file is not a backup of this cluster, is of a newer format, is damaged or cut short (its checksum does not fit), breaks invariants, or cannot be written.',
    remedy: 'Use another backup. Nothing was changed.',
  },
  MUS2012: {
    title: 'store is not empty',
    cause: 'A restore replaces everything that is recorded, and something is.',
    remedy: 'Make a backup of it, and restore with --replace if it is to be lost.',
  },
  MUS2013: {
    title: 'store is older than what runs',
    cause:
      'Objects of this cluster run that the store has never heard of: their generation is one that it would hand out next, or the leader that made them is newer than it. An old backup was restored, or an old disk is back. To go on would make instances a second time and take the ones that serve for leftovers, so nothing is made, changed or removed.',
    remedy:
      'Restore the newest backup that there is, or run `muster store rebuild --from-engines`: it reads every node and brings back what is recorded of what runs. It shows first what it would write.',
  },
  MUS2014: {
    title: 'store cannot be rebuilt',
    cause:
      'Nodes do not answer, or objects do not say what they were made from, and what is on them would be unknown to the rebuilt store; or objects of several clusters bear this one’s name.',
    remedy:
      'Bring the nodes back and run it again. With --partial it is written without them: what runs there is then told as an orphan and left alone, and may be made a second time elsewhere, until the nodes are back and the rebuild is run again.',
  },
  // 21xx: what `muster store check` finds
  MUS2101: {
    title: 'record cannot be read',
    cause:
      'A record is not JSON, lacks a field, or (a revision) does not say what its hash stands for. Commands that read the store fail on it.',
    remedy:
      'Find out who wrote to the key. `muster store restore FILE --replace` brings back a backup; nothing that runs is touched by it.',
  },
  MUS2102: {
    title: 'unknown key in the store',
    cause: 'The key is none of those that Muster keeps: of a newer version, or of somebody who shares the prefix.',
    remedy: 'Give others a prefix of their own. Muster passes the key over and keeps it in backups.',
  },
  MUS2103: {
    title: 'record names what is not there',
    cause:
      'An allocation without its workload or revision, a last good or pinned revision that is gone, or a unit without its run or steps. What it belongs to cannot be healed, rolled back or finished.',
    remedy: 'Apply nothing. Restore a backup that passes `muster store check`.',
  },
  MUS2104: {
    title: 'instance allocated twice',
    cause:
      'An instance has two allocations although no unit is in flight that hands over from one to the other. It may run twice.',
    remedy:
      '`muster status` says what runs. After `muster unit abandon` this is expected, and the next apply ends it; else find out how it came about first.',
  },
  MUS2105: {
    title: 'generation would be given out again',
    cause:
      "An allocation's generation is not below its workload's next one: the store, or a part of it, went back in time.",
    remedy: 'Apply nothing. Restore a newer backup.',
  },
  MUS2106: {
    title: 'held twice',
    cause:
      'Two instances are recorded with the same address, host port, core, device, or volume device that one of them has for itself.',
    remedy: 'Stop and remove the instance that should not have it; the next apply makes it anew with another.',
  },
  MUS2107: {
    title: 'more held than the node has',
    cause:
      'The allocations of a node add up to more than its capacity, less what is reserved: its capacity was lowered, or the records are wrong.',
    remedy: 'Raise the capacity, or move instances away: `lifecycle: maintenance`, `muster rebalance --empty NODE`.',
  },
  // 3xxx: engines
  MUS3001: {
    title: 'engine unreachable',
    cause: 'The engine of the node does not answer: it is stopped, the node is down, or the network is.',
    remedy: 'Check the daemon on the node (`systemctl status docker`) and the endpoint in the Node document.',
  },
  MUS3002: {
    title: 'engine too slow',
    cause: 'The engine did not answer within the deadline of the call. What it was asked to do may still happen.',
    remedy: 'Look for load or a hanging disk on the node. The next run looks at what became of the call.',
  },
  MUS3003: {
    title: 'object gone',
    cause: 'What the engine was asked about does not exist any more: somebody removed it.',
    remedy: 'Run `muster plan`: it is shown as missing and made again.',
  },
  MUS3004: {
    title: 'name taken by a foreign object',
    cause: 'An object that is not of this cluster already has the name. It is never touched.',
    remedy: 'Rename or remove it by hand, or give the cluster another name.',
  },
  MUS3005: {
    title: 'image missing',
    cause: 'The image is neither on the node nor in the registry.',
    remedy: 'Push the image, correct its name, or check the node’s access to the registry.',
  },
  MUS3006: {
    title: 'port taken',
    cause: 'Something else listens on the host port, or docker holds it for no container that runs.',
    remedy:
      'Of `publish: auto`: nothing, the next plan takes another port, and the node does not give out this one for an hour (`muster status` shows it); take it out of the node’s range if it is always used. Of a fixed port: free it, declare another one, or use `publish: auto`. A docker that was killed may hold ports until it is restarted.',
  },
  MUS3007: {
    title: 'engine cannot do this',
    cause: 'The engine on this node lacks the feature, by its kind, version or configuration.',
    remedy: 'Leave the setting out, place the workload elsewhere, or upgrade the engine.',
  },
  MUS3008: {
    title: 'node out of space',
    cause: 'The disk of the engine is full.',
    remedy: 'Remove what is not needed (`docker system df`), or enlarge the disk.',
  },
  MUS3009: {
    title: 'engine rejects the request',
    cause: 'The engine does not accept the definition; its own words are in the message.',
    remedy: 'Correct the workload as the message says.',
  },
  MUS3010: {
    title: 'engine failed',
    cause: 'The engine answered with an error that has no code of its own.',
    remedy: 'Read the message and the engine’s log on the node.',
  },
  MUS3011: {
    title: 'objects of several clusters with one name',
    cause:
      'Objects that Muster made under this cluster’s name carry different cluster uids: another cluster has the same name, or the store was made anew while objects of the old one lived on.',
    remedy:
      'Find out which uid the store has (key `format`) before anything is applied. To Muster, objects of another uid are foreign: it never touches them.',
  },
  MUS3012: {
    title: 'instance runs more than once',
    cause:
      'Two incarnations of one instance run. In the middle of a rollout that is so for a while; otherwise a leader lost its lease, or the store went back in time.',
    remedy:
      'Leave them until the store is back: it says which one is recorded, and the next apply or run finishes what was under way.',
  },
  MUS3013: {
    title: 'object can never be started again',
    cause:
      'The daemon was killed in the middle of the start of this container; what containerd began is left, and dockerd starts that container never again ("task … already exists").',
    remedy:
      'Nothing for the instance: the unit is undone, and the next plan makes it anew. On the node, see whether the program of the old container runs unseen: its supervisor is the containerd-shim whose command line has the container’s id.',
  },
  // 4xxx: refusals
  MUS4001: {
    title: 'no capacity',
    cause: 'No node has room for the instances, or none of those with room may run them.',
    remedy: 'See the reasons and the nearest miss in the message: add capacity, ask for less, or widen the placement.',
  },
  MUS4002: {
    title: 'quota exceeded',
    cause: 'The change would take a quota over its limit, surge during the rollout included.',
    remedy: 'Ask for less, remove something, or raise the quota in git.',
  },
  MUS4003: {
    title: 'drain blocked',
    cause: 'An instance cannot leave the node: it is static, or nothing else can take it.',
    remedy: 'Make room elsewhere, or take the node back online.',
  },
  MUS4004: {
    title: 'mass removal refused',
    cause: 'More would be removed at once than `Cluster.spec.prune.max` allows, or the desired state is empty.',
    remedy: 'If it is meant, list the workloads in a Refactor document under `spec.removed`.',
  },
  MUS4005: {
    title: 'failed revision pinned',
    cause: 'This revision failed its health gate before; the last good one is kept.',
    remedy: 'Commit a mended revision, or `muster retry` if the cause was elsewhere.',
  },
  MUS4007: {
    title: 'order or budget cannot be kept',
    cause:
      'The workload may not be interrupted (create-first, or maxUnavailable 0), but it cannot be created beside the old one.',
    remedy:
      'Allow stop-first or one unavailable instance, or remove what stands in the way: a fixed port, a type that exists once, a surge of 0.',
  },
  MUS4008: {
    title: 'comes after something refused',
    cause: 'A workload that this one names in `after` is refused, so this one waits.',
    remedy: 'Mend the other refusal first.',
  },
  MUS4009: {
    title: 'transaction refused whole',
    cause:
      'Another workload of the same `transaction` cannot be brought to the revision that git asks for, so this one stays on its last good one, too.',
    remedy: 'Mend the other refusal first, or take the workloads out of the transaction.',
  },
  // 5xxx: plan warnings
  MUS5001: {
    title: 'nodes not in the snapshot',
    cause: 'The snapshot does not mention some of the declared nodes; they are taken as alive and empty.',
    remedy: 'Take a new snapshot with `muster snapshot`.',
  },
  MUS5002: {
    title: 'workload left git',
    cause: 'A recorded workload is not declared any more: it is stopped first and deleted after `prune.deleteAfter`.',
    remedy: 'Nothing, if it is meant; otherwise declare it again.',
  },
  MUS5004: {
    title: 'foreign objects charged',
    cause: 'Objects that are not Muster’s run on a node. They are never touched, but what they use is not available.',
    remedy: 'Remove them by hand, or raise `reserved` on the node.',
  },
  MUS5005: {
    title: 'another revision than git asks for',
    cause:
      'A revision that failed its health gate is not tried again, an override pins another one, or one of these holds for another workload of its transaction.',
    remedy:
      'Commit a mended revision, `muster retry WORKLOAD` (forgets failures, lifts pins), or let the override expire.',
  },
  MUS5006: {
    title: 'nothing is known about some instances',
    cause:
      'Their node or its engine does not answer. Nothing is concluded about what cannot be seen: they are left as they are.',
    remedy: 'Look at the node; once it answers, or is lost for longer than its TTL, planning goes on.',
  },
  MUS5007: {
    title: 'orphan',
    cause: 'An object carries this cluster’s uid, but no allocation owns it.',
    remedy:
      'What a call of a dead leader made late (`muster status` calls it a zombie), `muster run` takes away once it has seen it for a minute; `muster apply` does not, since no plan shows it. Remove anything else by hand if it is not needed.',
  },
  MUS5008: {
    title: 'workload left alone',
    cause: 'A unit of the workload is under way, or an override freezes it.',
    remedy:
      'Wait for the run; for one that is stuck or paused see `muster unit show`. A frozen one is let go with `muster thaw`.',
  },
  MUS5009: {
    title: 'drift reported',
    cause: 'An object differs from its revision, and `drift.changed` says to report that only.',
    remedy: 'Set `drift.changed: heal`, or list the fields in `drift.ignoreFields`.',
  },
  MUS5010: {
    title: 'some steps wait',
    cause:
      'Too many instances are unavailable for more to be taken, an instance may only be made anew where it was, the unit of a workload that it comes after is under way, another workload of its transaction cannot be changed now, or moves would have to change places with each other.',
    remedy: 'See what makes the others unavailable; the steps come back in a later plan.',
  },
  MUS5011: {
    title: 'the store was not asked',
    cause: '`muster status --from engines` opens no store: it shows what git declares and what the engines tell.',
    remedy:
      'Use it while the store is away. With the store back, `muster status` says what is recorded, too, and what has drifted.',
  },
  MUS5012: {
    title: 'node cordoned by hand',
    cause:
      'An operator closed the node for a while: it keeps what it has and accepts nothing new. Git does not say so.',
    remedy:
      '`muster node uncordon NODE` opens it; so does the end of the override. To close it for longer set `lifecycle: cordoned` in git.',
  },
  MUS5013: {
    title: 'pin without effect',
    cause: 'A workload is pinned to a revision that is not recorded any more, so it follows git.',
    remedy: '`muster rollback WORKLOAD --to REVISION` pins another one; `muster retry WORKLOAD` takes the pin away.',
  },
  MUS5014: {
    title: 'approval needed',
    cause:
      'A Policy lists a class of change under `spec.approvals`, and the plan has steps of it. Until so many people have approved exactly this plan these are not carried out. Heals and rollbacks never wait for anybody.',
    remedy:
      '`muster plan --out plan.json`, then `muster approve plan.json` by as many people as it takes, then `muster apply plan.json`. With a leader that follows git: `muster approve` the id of the plan as it is now.',
  },
  MUS5020: {
    title: 'less head-room',
    cause:
      'Today a node may be lost and everything that was on it finds room elsewhere; once the plan is applied something would find none.',
    remedy:
      'Add a node, ask for less, or accept it. `muster simulate --any 1` shows what may be lost and what would be short.',
  },
  // 6xxx: apply and run
  MUS6001: {
    title: 'health gate failed',
    cause:
      'A new allocation exited, or did not pass its health check within `update.healthyDeadline`. Its unit was undone, and the revision is remembered as failed.',
    remedy:
      'Read the reason and the last output in the message; commit a mended revision, or `muster retry WORKLOAD` if the cause was elsewhere.',
  },
  MUS6002: {
    title: 'disruption budget exhausted',
    cause: 'Too many instances of the workload became unavailable while it was changed, and did not come back in time.',
    remedy: 'Find out why they are unavailable (`muster status`); the next apply goes on.',
  },
  MUS6003: {
    title: 'leader lease lost',
    cause:
      'The store was not heard of for longer than the lease lives, or another process took over. This one wrote nothing more.',
    remedy:
      'Nothing is undone and nothing is lost: the next `muster apply` or the process that leads now goes on from the journal.',
  },
  MUS6004: {
    title: 'store failed during a run',
    cause: 'The store refused a write (no space, no permission, damaged), so nothing more was started.',
    remedy: 'Mend the store; the next `muster apply` or `muster run` goes on from the journal.',
  },
  MUS6005: {
    title: 'engine does not answer during a run',
    cause: 'An engine gave no answer for half a minute. The unit that needs it is left as it is; other units went on.',
    remedy: 'Bring the engine back; the next `muster apply` or `muster run` finishes the unit.',
  },
  MUS6006: {
    title: 'plan rejected by the verifier',
    cause: 'The second, independent program found a plan that breaks a promise: a bug in Muster. Nothing was applied.',
    remedy: 'Report it with the configuration and `muster snapshot`.',
  },
  MUS6007: {
    title: 'unit stuck',
    cause:
      'A unit failed and an engine refused part of its undo. What it holds stays charged, and its workload is left alone; everything else goes on.',
    remedy:
      '`muster unit show WORKLOAD` says what is where and what fails. Mend that and `muster unit retry`; or leave the step (`muster unit skip`), or close the unit as it is (`muster unit abandon`).',
  },
};
