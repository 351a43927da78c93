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
    remedy: 'Cores: 500m, 1.5. Bytes: 512MiB, 1GB. Bit rates: 100Mbit. Durations: 2m30s.',
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
  MUS4006: {
    title: 'engine lacks a feature',
    cause: 'The workload asks for something that the node’s engine cannot do.',
    remedy: 'Choose another engine or leave the setting out.',
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
  MUS5003: {
    title: 'order forced to stop-first',
    cause: 'There is no room, or no second port or address, to create the new instance before the old one stops.',
    remedy: 'Nothing, if a short gap per instance is acceptable; otherwise make room.',
  },
  MUS5004: {
    title: 'foreign objects charged',
    cause: 'Objects that are not Muster’s run on a node. They are never touched, but what they use is not available.',
    remedy: 'Remove them by hand, or raise `reserved` on the node.',
  },
};
