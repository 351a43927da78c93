/** Made from schema/ by scripts/generate.ts: change those and run it. */

/**
 * The cluster: where its state is kept, where its documents come from, and how careful Muster is. One per config repo; `spec: {}` is a working cluster.
 */
export interface Cluster {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Cluster';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * Where recorded state is kept. Absent: embedded, in `.muster/`.
     */
    store?: {
      /**
       * An etcd cluster. Certificates come from the host-local credentials file.
       */
      etcd?: {
        /**
         * Members of the etcd cluster.
         *
         * @minItems 1
         */
        endpoints: string[];
        /**
         * Key prefix of everything that Muster writes.
         */
        prefix?: string;
      };
    };
    /**
     * Repos that documents come from. Absent: the repo that this file is in.
     */
    sources?: {
      /**
       * Name of the source, for messages and for the commits of a plan.
       */
      name: string;
      /**
       * Git URL. Absent: the repo that this file is in.
       */
      url?: string;
      /**
       * Branch that is followed.
       */
      branch?: string;
      /**
       * Folder inside the repo.
       */
      path?: string;
      /**
       * What the source may declare. Absent: everything.
       */
      allow?: {
        /**
         * Namespaces whose workloads it may declare. Absent: all.
         *
         * @minItems 1
         */
        namespaces?: string[];
        /**
         * Kinds that it may declare. Absent: all, or Workload and Refactor where namespaces are given.
         *
         * @minItems 1
         */
        kinds?: (
          | 'Cluster'
          | 'Policy'
          | 'Namespace'
          | 'Network'
          | 'Pod'
          | 'Node'
          | 'NodeSet'
          | 'Quota'
          | 'Workload'
          | 'Refactor'
        )[];
      };
      /**
       * Only signed commits.
       */
      verify?: {
        /**
         * File of allowed signers.
         */
        allowedSigners: string;
      };
    }[];
    /**
     * Folders whose documents belong to this cluster too.
     */
    include?: string[];
    /**
     * Changes to documents, in order. A patch that matches nothing is an error.
     */
    patches?: {
      /**
       * Which documents; every field given must match.
       */
      target: {
        /**
         * Kind of the documents.
         */
        kind:
          | 'Cluster'
          | 'Policy'
          | 'Namespace'
          | 'Network'
          | 'Pod'
          | 'Node'
          | 'NodeSet'
          | 'Quota'
          | 'Workload'
          | 'Refactor';
        /**
         * Namespaces of the documents.
         */
        namespace?: string;
        /**
         * Names of the documents.
         */
        name?: string;
      };
      /**
       * Merged into each of them: maps key by key, lists whose items have names by name, anything else is replaced; null removes.
       */
      merge: {};
    }[];
    /**
     * Defaults for SSH.
     */
    ssh?: {
      /**
       * Login name.
       */
      user?: string;
      /**
       * File of known host keys.
       */
      knownHosts?: string;
    };
    /**
     * When a node counts as lost.
     */
    liveness?: {
      /**
       * How often a node is asked whether it lives.
       */
      beat?: string | number;
      /**
       * How long a silent node is only suspected; after that it is lost.
       */
      ttl?: string | number;
    };
    /**
     * What to do about a reality that differs from the record.
     */
    drift?: {
      /**
       * An instance that is not what was recorded.
       */
      changed?: 'heal' | 'report' | 'ignore';
      /**
       * An object of this cluster that no allocation owns.
       */
      orphan?: 'heal' | 'report' | 'ignore';
      /**
       * Fields of a revision whose drift does not count.
       */
      ignoreFields?: string[];
    };
    /**
     * What happens to a workload that left git.
     */
    prune?: {
      /**
       * How long after leaving git a workload is stopped.
       */
      stopAfter?: string | number;
      /**
       * How long after being stopped it is deleted.
       */
      deleteAfter?: string | number;
      /**
       * More than this at once is refused without a `Refactor`.
       */
      max?: {
        /**
         * Share of all workloads.
         */
        share?: string;
        /**
         * Up to this many are always allowed.
         */
        atLeast?: number;
      };
    };
    /**
     * How many nodes are drained at the same time.
     */
    drain?: {
      /**
       * Most nodes of one zone at once. Absent: no limit.
       */
      perZone?: string | number;
    };
    /**
     * Stops healing when too much fails at once.
     */
    breaker?: {
      /**
       * In one zone.
       */
      zone?: {
        /**
         * A share from `0%` to `100%`.
         */
        share?: string;
        /**
         * Nodes.
         */
        atLeast?: number;
      };
      /**
       * In the whole cluster.
       */
      cluster?: {
        /**
         * A share from `0%` to `100%`.
         */
        share?: string;
        /**
         * Nodes.
         */
        atLeast?: number;
      };
    };
    /**
     * How fast changes are made.
     */
    apply?: {
      /**
       * Effects at once in a run.
       */
      parallelism?: number;
      /**
       * Effects at once on a node.
       */
      perNode?: number;
      /**
       * Bounds of changes by name: `registry` (pulling images), `engine/KIND`, `pod/NAME`, `node/NAME`. All that apply hold, and `parallelism` and `perNode` beside them.
       */
      limits?: {
        [k: string]: {
          /**
           * Most at once. Absent: no bound of its own.
           */
          batch?: number;
          /**
           * Least time between two starts. Absent: none.
           */
          every?: string | number;
        };
      };
    };
    /**
     * When changes may be made.
     */
    windows?: {
      /**
       * What the window does.
       */
      kind: 'deny' | 'allow';
      /**
       * Cron expression.
       */
      schedule: string;
      /**
       * A time span: `500ms`, `30s`, `2m30s`, `24h`.
       */
      duration: string | number;
      /**
       * IANA name.
       */
      timeZone?: string;
    }[];
  };
}

/**
 * How much may be disturbed at once (of several policies the one with the narrowest scope counts), and what every workload must keep to.
 */
export interface Policy {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Policy';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * What the policy is for. Absent: everything.
     */
    scope?: {
      /**
       * Namespaces that it is for.
       *
       * @minItems 1
       */
      namespaces?: string[];
    };
    /**
     * How many instances of a workload may be unavailable at once, by its replicas; the last line has no bound. A policy that has `require` alone leaves this to wider ones.
     *
     * @minItems 1
     */
    disruption?: {
      /**
       * Holds for fewer replicas than this.
       */
      below?: number;
      /**
       * Holds for up to this many replicas.
       */
      upTo?: number;
      /**
       * How many instances may be unavailable at once.
       */
      max: string | number;
    }[];
    /**
     * Changes that are carried out only once people have approved the plan, with `muster approve`. All policies that cover a workload hold. Heals and rollbacks never wait.
     */
    approvals?: {
      /**
       * The class: `any` change; `live`, `restart` or `recreate`: changes that disturb as much or more; `move`; `remove`: instances that go for good; `dataLoss`: volumes that are deleted with their instance.
       */
      when: 'any' | 'live' | 'restart' | 'recreate' | 'move' | 'remove' | 'dataLoss';
      /**
       * How many different people have to approve.
       */
      approvers?: number;
      /**
       * How long an approval counts.
       */
      expires?: string | number;
    }[];
    /**
     * What every workload of the namespaces keeps to, whatever else holds for it: of all policies that cover it, and of what it asks for itself, the strictest.
     */
    require?: {
      /**
       * Instances in several failure domains.
       */
      spread: {
        /**
         * Failure domain.
         */
        by: 'node' | 'rack' | 'zone';
        /**
         * Domains that must have an instance, as soon as there are so many replicas.
         */
        minDomains: number;
      };
      /**
       * Holds for workloads with at least so many replicas.
       */
      replicasFrom?: number;
    }[];
  };
}

/**
 * A team's or product's part of the cluster. Once one exists, a workload in an undeclared one is an error.
 */
export interface Namespace {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Namespace';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec?: {
    /**
     * Who answers for it.
     */
    owner?: string;
    /**
     * How to reach them.
     */
    contact?: string;
  };
}

/**
 * A network that workloads have addresses in, and pools of them.
 */
export interface Network {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Network';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * All addresses of the network.
     */
    subnet: string;
    /**
     * The way out; inside the subnet. No instance gets it.
     */
    gateway?: string;
    /**
     * Ranges that workloads can ask for by name.
     */
    pools?: {
      /**
       * Name of the pool.
       */
      name: string;
      /**
       * Addresses of the pool; inside the subnet.
       */
      range: string;
    }[];
    /**
     * How Docker calls it. Absent: by the same name.
     */
    docker?: {
      /**
       * The network's name on Docker.
       */
      network: string;
    };
  };
}

/**
 * A named group of nodes.
 */
export interface Pod {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Pod';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec?: {
    /**
     * What the pod is for.
     */
    description?: string;
    /**
     * How workloads are spread over its nodes unless they say otherwise.
     */
    strategy?: 'auto' | 'fill' | 'each' | 'global' | 'drained' | 'pack';
  };
}

/**
 * A machine with one or more engines.
 */
export interface Node {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Node';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the nodes.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * The pod that the node belongs to.
     */
    pod: string;
    /**
     * Failure domain: a room, a site, a power feed.
     */
    zone?: string;
    /**
     * Failure domain inside the zone. A name means one rack in the whole cluster.
     */
    rack?: string;
    /**
     * What the node is for: `online` takes work; `spare` and `cordoned` accept nothing new; `maintenance` and `offline` are drained.
     */
    lifecycle?: 'spare' | 'online' | 'cordoned' | 'maintenance' | 'offline';
    /**
     * The engines that run on the node, and how to reach them.
     */
    engines: {
      /**
       * A Docker daemon.
       */
      docker?: {
        /**
         * Where the daemon listens: `unix:///var/run/docker.sock`, `tcp://host:2376`, or `ssh://user@host:22`: its socket on a host that is reached over SSH.
         */
        endpoint: string;
        /**
         * Host address that published ports are bound to; health checks go there. Absent: the engine's default.
         */
        publishAddress?: string;
        /**
         * Mutual TLS for `tcp://`.
         */
        tls?: {
          /**
           * Name of the certificates in the host-local credentials file; they never come from git.
           */
          credential: string;
        };
        /**
         * For `ssh://`, and there required. The only key that the host may have, as `ssh-keygen -lf` prints it: of the kind that sshd offers first, ed25519 where it has one.
         */
        hostKey?: string;
        /**
         * For `ssh://`. Name of the key to log in with, in the host-local credentials file; keys never come from git. Absent: the one that is called `default` there, else those of the ssh-agent.
         */
        credential?: string;
      };
      /**
       * Local processes: needs nothing installed. Several nodes may live on one machine.
       */
      process?: {
        /**
         * Directory of this node's processes, logs and files; a relative path is relative to the state directory. Absent: one named after the node.
         */
        root?: string;
        /**
         * Address that ports are taken and checked on.
         */
        publishAddress?: string;
      };
      /**
       * systemd units of a machine that is reached over SSH.
       */
      systemd?: {
        /**
         * `ssh://user@host:port`; without a user root, without a port 22.
         */
        endpoint: string;
        /**
         * The only key that the host may have, as `ssh-keygen -lf` prints it: of the kind that sshd offers first, ed25519 where it has one.
         */
        hostKey: string;
        /**
         * Name of the key to log in with, in the host-local credentials file; keys never come from git. Absent: the one that is called `default` there, else those of the ssh-agent.
         */
        credential?: string;
        /**
         * The user is not root, and becomes it by a sudo that asks for no password.
         */
        sudo?: boolean;
        /**
         * Address that health checks reach the machine's ports at. Absent: the host of the endpoint.
         */
        publishAddress?: string;
      };
      /**
       * Virtual machines.
       */
      libvirt?: {
        /**
         * `qemu+ssh://host/system`
         */
        endpoint: string;
      };
    };
    /**
     * What the node has. Parts left out are probed from the engine.
     */
    capacity?: {
      /**
       * CPU cores: `500m`, `1.5` or 2; a millicore (`1m`) is the smallest part.
       */
      cpu?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      memory?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      storage?: string | number;
      /**
       * Bits a second: `100Mbit`, `10Gbit`.
       */
      bandwidth?: string | number;
      /**
       * Countable resources with a name of their own, in whole pieces: `gpu/a100: 4`.
       */
      extended?: {
        /**
         * Whole pieces of a countable resource.
         */
        [k: string]: number;
      };
      /**
       * NUMA nodes, numbered from 0. Absent: nobody knows, and nothing that requires NUMA goes there.
       *
       * @minItems 1
       */
      numa?: {
        /**
         * Its cores, as the kernel writes them: `0-15`, `0-7,16-23`.
         */
        cpus: string;
        /**
         * Memory that is close to them.
         */
        memory: string | number;
      }[];
      /**
       * Devices that workloads' volumes are placed on. The root disk is `storage`.
       */
      volumes?: {
        /**
         * Where it is mounted; directories of volumes are made in it.
         */
        device: string;
        /**
         * The whole disk under it, by which engines cap rates (the kernel caps no partitions). Absent: rates are reserved and not enforced.
         */
        block?: string;
        /**
         * What volumes may take of it.
         */
        size: string | number;
        /**
         * Reads a second that volumes may reserve. Absent: not limited.
         */
        readIops?: number;
        /**
         * Writes a second that volumes may reserve. Absent: not limited.
         */
        writeIops?: number;
        /**
         * Bytes read a second that volumes may reserve. Absent: not limited.
         */
        readBps?: string | number;
        /**
         * Bytes written a second that volumes may reserve. Absent: not limited.
         */
        writeBps?: string | number;
      }[];
    };
    /**
     * What the machine itself needs: taken off the capacity.
     */
    reserved?: {
      /**
       * CPU cores: `500m`, `1.5` or 2; a millicore (`1m`) is the smallest part.
       */
      cpu?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      memory?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      storage?: string | number;
      /**
       * Bits a second: `100Mbit`, `10Gbit`.
       */
      bandwidth?: string | number;
      /**
       * Countable resources with a name of their own, in whole pieces: `gpu/a100: 4`.
       */
      extended?: {
        /**
         * Whole pieces of a countable resource.
         */
        [k: string]: number;
      };
    };
    /**
     * Promising more than there is.
     */
    overcommit?: {
      /**
       * How often a core is sold: 2.0 sells every core twice. At most three decimals.
       */
      cpu?: number;
    };
    /**
     * Keep workloads away that do not tolerate them.
     */
    taints?: {
      /**
       * Name of the taint.
       */
      key: string;
      /**
       * Value of the taint.
       */
      value?: string;
      /**
       * What the taint does: nothing new is placed here without a toleration.
       */
      effect?: 'NoSchedule';
    }[];
    /**
     * Ports that may be published.
     */
    ports?: {
      /**
       * Ports that `publish: auto` draws from, inclusive.
       */
      range?: string;
    };
    /**
     * How a node in `maintenance` or `offline` is drained. Absent: as budgets allow, however long it takes.
     */
    drain?: {
      /**
       * When it should be empty, as RFC 3339 date and time; what is left after it is told.
       */
      deadline?: string;
      /**
       * After the deadline (at once without one) disruption budgets do not hold it up any more. What would lose data is still not touched.
       */
      force?: boolean;
    };
    /**
     * How to be sure that the machine is dead.
     */
    fence?: {
      /**
       * Program and arguments.
       *
       * @minItems 1
       */
      command: string[];
    };
  };
}

/**
 * Many nodes of the same make. `{name}` in the template stands for the node's name, `{1}` for the value of the first bracket.
 */
export interface NodeSet {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'NodeSet';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * Names of the nodes: `[a:c]` and `[001:500]` count up, with as many digits as the first has. Several brackets make every combination.
     */
    names: string;
    /**
     * Failure domain: a room, a site, a power feed. `{1}` is the value of the first bracket.
     */
    zone?: string;
    /**
     * Failure domain inside the zone. A name means one rack in the whole cluster. `{2}` is the value of the second bracket.
     */
    rack?: string;
    /**
     * What every node is like: the fields of a Node.
     */
    template: {
      /**
       * The pod that the node belongs to.
       */
      pod: string;
      /**
       * What the node is for: `online` takes work; `spare` and `cordoned` accept nothing new; `maintenance` and `offline` are drained.
       */
      lifecycle?: 'spare' | 'online' | 'cordoned' | 'maintenance' | 'offline';
      /**
       * The engines that run on the node, and how to reach them.
       */
      engines: {
        /**
         * A Docker daemon.
         */
        docker?: {
          /**
           * Where the daemon listens: `unix:///var/run/docker.sock`, `tcp://host:2376`, or `ssh://user@host:22`: its socket on a host that is reached over SSH.
           */
          endpoint: string;
          /**
           * Host address that published ports are bound to; health checks go there. Absent: the engine's default.
           */
          publishAddress?: string;
          /**
           * Mutual TLS for `tcp://`.
           */
          tls?: {
            /**
             * Name of the certificates in the host-local credentials file; they never come from git.
             */
            credential: string;
          };
          /**
           * For `ssh://`, and there required. The only key that the host may have, as `ssh-keygen -lf` prints it: of the kind that sshd offers first, ed25519 where it has one.
           */
          hostKey?: string;
          /**
           * For `ssh://`. Name of the key to log in with, in the host-local credentials file; keys never come from git. Absent: the one that is called `default` there, else those of the ssh-agent.
           */
          credential?: string;
        };
        /**
         * Local processes: needs nothing installed. Several nodes may live on one machine.
         */
        process?: {
          /**
           * Directory of this node's processes, logs and files; a relative path is relative to the state directory. Absent: one named after the node.
           */
          root?: string;
          /**
           * Address that ports are taken and checked on.
           */
          publishAddress?: string;
        };
        /**
         * systemd units of a machine that is reached over SSH.
         */
        systemd?: {
          /**
           * `ssh://user@host:port`; without a user root, without a port 22.
           */
          endpoint: string;
          /**
           * The only key that the host may have, as `ssh-keygen -lf` prints it: of the kind that sshd offers first, ed25519 where it has one.
           */
          hostKey: string;
          /**
           * Name of the key to log in with, in the host-local credentials file; keys never come from git. Absent: the one that is called `default` there, else those of the ssh-agent.
           */
          credential?: string;
          /**
           * The user is not root, and becomes it by a sudo that asks for no password.
           */
          sudo?: boolean;
          /**
           * Address that health checks reach the machine's ports at. Absent: the host of the endpoint.
           */
          publishAddress?: string;
        };
        /**
         * Virtual machines.
         */
        libvirt?: {
          /**
           * `qemu+ssh://host/system`
           */
          endpoint: string;
        };
      };
      /**
       * What the node has. Parts left out are probed from the engine.
       */
      capacity?: {
        /**
         * CPU cores: `500m`, `1.5` or 2; a millicore (`1m`) is the smallest part.
         */
        cpu?: string | number;
        /**
         * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
         */
        memory?: string | number;
        /**
         * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
         */
        storage?: string | number;
        /**
         * Bits a second: `100Mbit`, `10Gbit`.
         */
        bandwidth?: string | number;
        /**
         * Countable resources with a name of their own, in whole pieces: `gpu/a100: 4`.
         */
        extended?: {
          /**
           * Whole pieces of a countable resource.
           */
          [k: string]: number;
        };
        /**
         * NUMA nodes, numbered from 0. Absent: nobody knows, and nothing that requires NUMA goes there.
         *
         * @minItems 1
         */
        numa?: {
          /**
           * Its cores, as the kernel writes them: `0-15`, `0-7,16-23`.
           */
          cpus: string;
          /**
           * Memory that is close to them.
           */
          memory: string | number;
        }[];
        /**
         * Devices that workloads' volumes are placed on. The root disk is `storage`.
         */
        volumes?: {
          /**
           * Where it is mounted; directories of volumes are made in it.
           */
          device: string;
          /**
           * The whole disk under it, by which engines cap rates (the kernel caps no partitions). Absent: rates are reserved and not enforced.
           */
          block?: string;
          /**
           * What volumes may take of it.
           */
          size: string | number;
          /**
           * Reads a second that volumes may reserve. Absent: not limited.
           */
          readIops?: number;
          /**
           * Writes a second that volumes may reserve. Absent: not limited.
           */
          writeIops?: number;
          /**
           * Bytes read a second that volumes may reserve. Absent: not limited.
           */
          readBps?: string | number;
          /**
           * Bytes written a second that volumes may reserve. Absent: not limited.
           */
          writeBps?: string | number;
        }[];
      };
      /**
       * What the machine itself needs: taken off the capacity.
       */
      reserved?: {
        /**
         * CPU cores: `500m`, `1.5` or 2; a millicore (`1m`) is the smallest part.
         */
        cpu?: string | number;
        /**
         * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
         */
        memory?: string | number;
        /**
         * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
         */
        storage?: string | number;
        /**
         * Bits a second: `100Mbit`, `10Gbit`.
         */
        bandwidth?: string | number;
        /**
         * Countable resources with a name of their own, in whole pieces: `gpu/a100: 4`.
         */
        extended?: {
          /**
           * Whole pieces of a countable resource.
           */
          [k: string]: number;
        };
      };
      /**
       * Promising more than there is.
       */
      overcommit?: {
        /**
         * How often a core is sold: 2.0 sells every core twice. At most three decimals.
         */
        cpu?: number;
      };
      /**
       * Keep workloads away that do not tolerate them.
       */
      taints?: {
        /**
         * Name of the taint.
         */
        key: string;
        /**
         * Value of the taint.
         */
        value?: string;
        /**
         * What the taint does: nothing new is placed here without a toleration.
         */
        effect?: 'NoSchedule';
      }[];
      /**
       * Ports that may be published.
       */
      ports?: {
        /**
         * Ports that `publish: auto` draws from, inclusive.
         */
        range?: string;
      };
      /**
       * How a node in `maintenance` or `offline` is drained. Absent: as budgets allow, however long it takes.
       */
      drain?: {
        /**
         * When it should be empty, as RFC 3339 date and time; what is left after it is told.
         */
        deadline?: string;
        /**
         * After the deadline (at once without one) disruption budgets do not hold it up any more. What would lose data is still not touched.
         */
        force?: boolean;
      };
      /**
       * How to be sure that the machine is dead.
       */
      fence?: {
        /**
         * Program and arguments.
         *
         * @minItems 1
         */
        command: string[];
      };
      /**
       * Labels of every node.
       */
      labels?: {
        [k: string]: string;
      };
    };
    /**
     * Nodes that differ; later ones win.
     */
    overrides?: {
      /**
       * A name of the set, or a pattern such as `batch-a-[010:020]`.
       */
      names: string;
      /**
       * What the node is for: `online` takes work; `spare` and `cordoned` accept nothing new; `maintenance` and `offline` are drained.
       */
      lifecycle?: 'spare' | 'online' | 'cordoned' | 'maintenance' | 'offline';
      /**
       * Added to the template's; the same key replaces.
       */
      labels?: {
        [k: string]: string;
      };
      /**
       * Added to the template's.
       */
      taints?: {
        /**
         * Name of the taint.
         */
        key: string;
        /**
         * Value of the taint.
         */
        value?: string;
        /**
         * What the taint does: nothing new is placed here without a toleration.
         */
        effect?: 'NoSchedule';
      }[];
      /**
       * How a node in `maintenance` or `offline` is drained. Absent: as budgets allow, however long it takes.
       */
      drain?: {
        /**
         * When it should be empty, as RFC 3339 date and time; what is left after it is told.
         */
        deadline?: string;
        /**
         * After the deadline (at once without one) disruption budgets do not hold it up any more. What would lose data is still not touched.
         */
        force?: boolean;
      };
      /**
       * Why; shown to people.
       */
      reason?: string;
      /**
       * When it should be over; a warning says so once the day has passed. It does not end by itself.
       */
      until?: string;
    }[];
  };
}

/**
 * The most that workloads may reserve.
 */
export interface Quota {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Quota';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * What is counted.
     */
    scope?: {
      /**
       * Only workloads of this namespace. Absent: of all.
       */
      namespace?: string;
      /**
       * Only what is placed in this pod. Absent: in all.
       */
      pod?: string;
    };
    /**
     * Another quota, in which this one counts as well.
     */
    parent?: string;
    /**
     * The most of each resource; what is left out is not limited. Countable resources by their name, in pieces: `gpu/a100: 4`. `storage` counts volumes too.
     */
    limits: {
      /**
       * CPU cores: `500m`, `1.5` or 2; a millicore (`1m`) is the smallest part.
       */
      cpu?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      memory?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      storage?: string | number;
      /**
       * Bits a second: `100Mbit`, `10Gbit`.
       */
      bandwidth?: string | number;
      /**
       * Number of instances.
       */
      instances?: number;
    };
    /**
     * Where a limit was lowered below what is used, instances are removed until it holds, those of the lowest priority first and at once: what has to go is not missed. Otherwise they stay, and nothing more is added.
     */
    drainToQuota?: boolean;
  };
}

/**
 * A service: what runs, how many of it, where, and how it is changed.
 */
export interface Workload {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Workload';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind in its namespace.
     */
    name: string;
    /**
     * The namespace that it belongs to.
     */
    namespace?: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * `stateless`: ordinals and addresses may change; `stateful`: identity belongs to the ordinal; `static`: like a machine, never moved; `daemon`: one per matching node.
     */
    type?: 'stateless' | 'stateful' | 'static' | 'daemon';
    /**
     * What runs it.
     */
    engine?: 'docker' | 'libvirt' | 'systemd' | 'process';
    /**
     * What only Docker has.
     */
    docker?: {
      /**
       * Run a small init process that reaps zombies and forwards signals.
       */
      init?: boolean;
      /**
       * User (and group) inside the container: `1000:1000`.
       */
      user?: string;
      /**
       * Working directory inside the container.
       */
      workingDir?: string;
      /**
       * The root file system cannot be written.
       */
      readOnly?: boolean;
      /**
       * Capabilities of the kernel, beyond or below docker's own set.
       */
      capabilities?: {
        /**
         * Given beyond docker's own set, or after `drop: [ALL]`.
         */
        add?: string[];
        /**
         * Taken away.
         */
        drop?: string[];
      };
      /**
       * No program gains privileges by being executed (setuid).
       */
      noNewPrivileges?: boolean;
      /**
       * Kernel parameters of the container's own namespaces.
       */
      sysctls?: {
        [k: string]: string | number;
      };
      /**
       * Limits of each process (getrlimit(2)), in its units: one for both, or `soft` and `hard`.
       */
      ulimits?: {
        [k: string]:
          | (number | string)
          | {
              /**
               * What holds.
               */
              soft: number | string;
              /**
               * What a process may raise it to.
               */
              hard: number | string;
            };
      };
      /**
       * Most processes and threads. Changed in place. Absent: no limit.
       */
      pids?: number;
      /**
       * Size of /dev/shm. Absent: docker's (64 MiB).
       */
      shmSize?: string | number;
      /**
       * Directories in memory; what is in them counts as the container's memory.
       */
      tmpfs?: {
        /**
         * Where it is inside the container.
         */
        mount: string;
        /**
         * Most that fits into it.
         */
        size: string | number;
        /**
         * Permissions, octal.
         */
        mode?: string;
      }[];
      /**
       * Devices of the node that the container may use. They are not shared out: what is counted is asked for by `resources`.
       */
      devices?: {
        /**
         * The device on the node.
         */
        path: string;
        /**
         * Its path inside the container. Absent: the same.
         */
        as?: string;
        /**
         * `r` read, `w` write, `m` make nodes.
         */
        permissions?: string;
      }[];
      /**
       * Names that the container knows beside DNS (/etc/hosts). `host-gateway` is the node.
       */
      extraHosts?: {
        [k: string]: string;
      };
      /**
       * Name servers and search domains in place of the daemon's.
       */
      dns?: {
        /**
         * Addresses of name servers.
         */
        servers?: string[];
        /**
         * Domains that short names are looked up in.
         */
        search?: string[];
      };
      /**
       * Swap that it may use beyond its memory limit: `none`, `unlimited`, or an amount. Changed in place. Needs a memory limit, and a kernel that counts swap.
       */
      swap?: string | number;
      /**
       * Where its output goes. Absent: json-file, two files of 10 MB. Never put secrets here: what a driver needs of them belongs into the daemon's own configuration.
       */
      logging?: {
        /**
         * A log driver of docker.
         */
        driver: string;
        /**
         * Its options, as docker calls them. Of json-file, max-size and max-file keep their defaults (10m, 2) unless given.
         */
        options?: {
          [k: string]: string | number | boolean;
        };
      };
      /**
       * `bridge`: its own, behind the node · `host`: the node's: each of `ports` is a port of the node, the program's own one unless `publish` says another, and the program listens where `PORT_<NAME>` says · `none`: no network but loopback. An address of its own: `spec.network`.
       */
      network?: 'bridge' | 'host' | 'none';
      /**
       * OCI runtime. Only nodes whose docker has it are chosen. Absent: docker's default.
       */
      runtime?: string;
      /**
       * Most that the container's own layer may hold (not its volumes); reserve it by `resources.storage`. Only nodes whose docker can hold it are chosen.
       */
      storageSize?: string | number;
    };
    /**
     * What only local processes have.
     */
    process?: {
      /**
       * Working directory; relative to the instance's own directory.
       */
      cwd?: string;
    };
    /**
     * What only virtual machines have.
     */
    libvirt?: {};
    /**
     * What only systemd units have.
     */
    systemd?: {
      /**
       * User that the program runs as, by name. Absent: root.
       */
      user?: string;
      /**
       * Working directory on the machine. Absent: `/`.
       */
      workingDir?: string;
      /**
       * Most processes and threads. Absent: not limited.
       */
      tasks?: number;
    };
    /**
     * Image of a container. A digest (`@sha256:…`) makes it the same everywhere and for ever.
     */
    image?: string;
    /**
     * The program, in place of the image's entry point. `$(NAME)` is replaced by a variable.
     */
    command?: string[];
    /**
     * Its arguments. `$(NAME)` is replaced by a variable.
     */
    args?: string[];
    /**
     * Environment variables. Numbers and booleans are taken as they are written.
     */
    env?: {
      [k: string]:
        | (string | number | boolean)
        | {
            /**
             * Name of a secret.
             */
            secret: string;
            /**
             * Key in it.
             */
            key?: string;
          };
    };
    /**
     * How many instances.
     */
    replicas?: number;
    /**
     * What each instance reserves on its node; absent: its `limits`, and nothing where it has none. Countable resources by their name, in whole pieces or a part of one: `gpu/a100: 1`, `gpu/a100: 0.5`; `gpu/a100|v100` and `gpu/*` leave the model open, all pieces are of one.
     */
    resources?: {
      /**
       * CPU cores: `500m`, `1.5` or 2; a millicore (`1m`) is the smallest part.
       */
      cpu?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      memory?: string | number;
      /**
       * Bytes: `512MiB`, `512Mi`, `1GB` or a whole number.
       */
      storage?: string | number;
      /**
       * Bits a second: `100Mbit`, `10Gbit`.
       */
      bandwidth?: string | number;
    };
    /**
     * What the engine caps. Absent: the same as `resources`.
     */
    limits?: {
      /**
       * Most CPU of an instance; `unlimited` takes the cap away.
       */
      cpu?: string | number;
      /**
       * Most memory of an instance; `unlimited` takes the cap away.
       */
      memory?: string | number;
    };
    /**
     * Cores of its own.
     */
    cpu?: {
      /**
       * `resources.cpu` as whole cores that nobody else has, and the rest as a part of one more core.
       */
      bind?: boolean;
      /**
       * Of what is bound: `require`: cores and memory of one NUMA node; `prefer`: where one has room, else of several; `none`: not looked at.
       */
      numa?: 'require' | 'prefer' | 'none';
    };
    /**
     * Storage that outlives an allocation.
     */
    volumes?: {
      /**
       * Unique in the workload.
       */
      name: string;
      /**
       * Where it is inside the instance.
       */
      mount: string;
      /**
       * What it reserves on its device. Absent: it is not limited, and nothing is reserved.
       */
      size?: string | number;
      /**
       * `auto`: the tightest of the node’s devices (`capacity.volumes`) that it fits · `/data1`: that device · `host:/PATH`: a directory of the node · `nfs://HOST/PATH`, `rbd://POOL/IMAGE`, `iscsi://HOST/TARGET/LUN`: over the network. Only what is on a device is charged.
       */
      source?: string;
      /**
       * A whole device that nothing else uses. The exclusive volumes of one instance share one device, in proportion to their sizes.
       */
      exclusive?: boolean;
      /**
       * The instance cannot write to it.
       */
      readOnly?: boolean;
      /**
       * What becomes of its data when the instance is removed.
       */
      onRemove?: 'keep' | 'delete';
      /**
       * Reads a second that it reserves on its device.
       */
      readIops?: number;
      /**
       * Writes a second that it reserves on its device.
       */
      writeIops?: number;
      /**
       * Bytes read a second that it reserves on its device.
       */
      readBps?: string | number;
      /**
       * Bytes written a second that it reserves on its device.
       */
      writeBps?: string | number;
    }[];
    /**
     * Small text files that are put into an instance before it starts, at most 128 KiB together. They are part of its revision: a change makes the instances anew. Never put secrets here.
     */
    files?: {
      /**
       * Where it is inside the instance; directories on the way are made, as root's.
       */
      path: string;
      /**
       * What is in it.
       */
      content: string;
      /**
       * Permissions, octal.
       */
      mode?: string;
      /**
       * Numbers of its user and group.
       */
      owner?: string;
    }[];
    /**
     * Ports that the program listens on.
     */
    ports?: {
      /**
       * Name of the port; programs read it as `PORT_<NAME>`.
       */
      name: string;
      /**
       * The port that the program listens on.
       */
      port: number;
      /**
       * Protocol.
       */
      protocol?: 'tcp' | 'udp';
      /**
       * `auto`: a free port of the node · `none`: not published · a number: that one.
       */
      publish?: string | number;
    }[];
    /**
     * The network that the instances have an address in. Absent: the engine’s default, without an address of their own.
     */
    network?: {
      /**
       * A Network.
       */
      name: string;
      /**
       * `pool`: any free address · `keep`: one that belongs to the ordinal · an address: that one, for a single instance. Absent: `keep` for stateful and static workloads, `pool` for others.
       */
      ip?: string;
      /**
       * The network’s pool that the address comes from. Absent: the whole subnet.
       */
      pool?: string;
    };
    /**
     * How to tell that an instance works: one of `http`, `tcp` and `exec`. Absent: it is healthy when it runs.
     */
    health?: {
      /**
       * Healthy when it answers over HTTP.
       */
      http?: {
        /**
         * Name (or number) of one of `ports`.
         */
        port: string | number;
        /**
         * Path that must answer with a 2xx or 3xx status.
         */
        path?: string;
      };
      /**
       * Healthy when it accepts a connection.
       */
      tcp?: {
        /**
         * Name (or number) of one of `ports`.
         */
        port: string | number;
      };
      /**
       * Healthy when a command ends with 0.
       */
      exec?: {
        /**
         * Program and arguments, run in the instance.
         *
         * @minItems 1
         */
        command: string[];
      };
      /**
       * Time between checks.
       */
      interval?: string | number;
      /**
       * How long a check may take.
       */
      timeout?: string | number;
      /**
       * Good checks in a row until it counts as healthy.
       */
      healthyAfter?: number;
      /**
       * Bad checks in a row until it counts as unhealthy.
       */
      unhealthyAfter?: number;
    };
    /**
     * Workloads that are brought up before this one.
     */
    after?: string[];
    /**
     * Workloads of this namespace that name the same transaction change together: where a commit brings new revisions to several of them, all of these become the good ones once each has passed its last health gate, or all go back.
     */
    transaction?: string;
    /**
     * Where instances may run.
     */
    placement?: {
      /**
       * Pods it may run in. Absent: all.
       */
      pods?: string[];
      /**
       * How instances are spread over nodes. Absent: the pod's.
       */
      strategy?: 'auto' | 'fill' | 'each' | 'global' | 'drained' | 'pack';
      /**
       * Labels that a node must have.
       */
      require?: {
        [k: string]: string;
      };
      /**
       * Labels that a node should have: of several nodes that will do, the one with the most weight is taken.
       */
      prefer?: {
        /**
         * Counts where the node has all of them.
         */
        labels: {
          [k: string]: string;
        };
        /**
         * What it counts.
         */
        weight?: number;
      }[];
      /**
       * Keeps instances in different failure domains: one rule, or a list of them.
       */
      spread?:
        | {
            /**
             * Failure domain.
             */
            by: 'node' | 'rack' | 'zone';
            /**
             * Domains that must have an instance, as soon as there are so many replicas. What would break that is refused.
             */
            minDomains?: number;
          }
        | {
            /**
             * Failure domain.
             */
            by: 'node' | 'rack' | 'zone';
            /**
             * Domains that must have an instance, as soon as there are so many replicas. What would break that is refused.
             */
            minDomains?: number;
          }[];
      /**
       * Workloads to be near to.
       */
      affinity?: {
        /**
         * The workload; may be this one.
         */
        to: string;
        /**
         * What counts as the same place.
         */
        by?: 'node' | 'rack' | 'zone';
        /**
         * Nothing is placed where it does not hold. Otherwise it is preferred.
         */
        required?: boolean;
      }[];
      /**
       * Workloads to be away from.
       */
      antiAffinity?: {
        /**
         * The workload; may be this one.
         */
        to: string;
        /**
         * What counts as the same place.
         */
        by?: 'node' | 'rack' | 'zone';
        /**
         * Nothing is placed where it does not hold. Otherwise it is preferred.
         */
        required?: boolean;
      }[];
      /**
       * Taints that do not keep it away.
       */
      tolerate?: {
        /**
         * Key of the taint.
         */
        key: string;
        /**
         * Value of the taint. Absent: any.
         */
        value?: string;
      }[];
      /**
       * Place what fits and refuse the rest, instead of refusing the whole.
       */
      partial?: boolean;
      /**
       * Most instances on one node; with `each`, exactly this many on every node.
       */
      perNode?: number;
    };
    /**
     * How a new revision is rolled out.
     */
    update?: {
      /**
       * Cumulative rollout groups, smallest first; the last is `100%`.
       *
       * @minItems 1
       */
      groups?: (string | number)[];
      /**
       * How long a group is watched before the next.
       */
      observe?: string | number;
      /**
       * Whether the new instance comes before the old one goes.
       */
      order?: 'auto' | 'create-first' | 'stop-first';
      /**
       * Most instances above `replicas` during an update; `policy`: as many as may be unavailable.
       */
      maxSurge?: string | number;
      /**
       * How long a new instance may take to become healthy.
       */
      healthyDeadline?: string | number;
      /**
       * What happens when a group does not become healthy.
       */
      onFailure?: 'rollback' | 'pause';
    };
    /**
     * How much may be disturbed.
     */
    disruption?: {
      /**
       * Most instances that may be unavailable at once: `policy`, `quorum`, a number or a share.
       */
      maxUnavailable?: string | number;
    };
    /**
     * What happens to instances of a lost node. `auto`: stateless ones are re-created, others wait.
     */
    onLost?: 'auto' | 'recreate' | 'wait' | 'fence';
    /**
     * How an instance is stopped.
     */
    stop?: {
      /**
       * Signal that asks it to stop.
       */
      signal?: string;
      /**
       * How long it may take before it is killed.
       */
      grace?: string | number;
      /**
       * How long it keeps running, out of service, before it is asked.
       */
      delay?: string | number;
    };
    /**
     * Commands that Muster runs inside an instance when it starts or stops it; not when the engine restarts it by itself. After a crash of Muster one may run a second time: it has to bear that. What it did is not undone.
     */
    hooks?: {
      /**
       * Run once it has started, before it counts as healthy. One that fails is a failed start.
       */
      afterStart?: {
        /**
         * Program and arguments, run in the instance without a shell.
         *
         * @minItems 1
         */
        command: string[];
        /**
         * How long it may take. Absent: 30 s.
         */
        timeout?: string | number;
      };
      /**
       * Run before it is asked to stop. One that fails is told, and the stop goes on.
       */
      beforeStop?: {
        /**
         * Program and arguments, run in the instance without a shell.
         *
         * @minItems 1
         */
        command: string[];
        /**
         * How long it may take. Absent: 30 s.
         */
        timeout?: string | number;
      };
    };
    /**
     * When the engine starts it again by itself.
     */
    restart?: 'always' | 'on-failure' | 'never';
    /**
     * `online` (1000), `offline` (100) or a number; the larger goes first when capacity is short. On docker it is also what an instance weighs where CPU, disk or memory are short; changed in place.
     */
    priority?: string | number;
    /**
     * When it finds no room. `lower`: instances of workloads with a lower priority that can be evicted make some, within their disruption budgets; `never`: it waits.
     */
    preemption?: 'lower' | 'never';
  };
}

/**
 * What cannot be read off the other documents: that something was removed on purpose. May be deleted once applied.
 */
export interface Refactor {
  /**
   * Version of the format.
   */
  apiVersion: 'muster/v1';
  /**
   * The kind of document.
   */
  kind: 'Refactor';
  /**
   * Who this is.
   */
  metadata: {
    /**
     * Unique among the documents of its kind.
     */
    name: string;
    /**
     * Names for selecting and grouping.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Free text for people and tools; never read by Muster.
     */
    annotations?: {
      [k: string]: string;
    };
  };
  /**
   * What is wanted.
   */
  spec: {
    /**
     * Workloads that were removed on purpose: beyond the prune limit they need to be named here.
     */
    removed?: {
      /**
       * The workload that was removed.
       */
      from: string;
      /**
       * What may be lost.
       */
      allow?: string[];
    }[];
    /**
     * Workloads with a new name.
     */
    moved?: {
      /**
       * A workload, `namespace/name`; without a namespace one of the same namespace.
       */
      from: string;
      /**
       * A workload, `namespace/name`; without a namespace one of the same namespace.
       */
      to: string;
    }[];
    /**
     * Objects that exist already.
     */
    adopted?: {
      /**
       * `namespace/workload/ordinal`
       */
      instance: string;
      /**
       * Node.
       */
      node: string;
      /**
       * Engine.
       */
      engine: string;
      /**
       * Name or id on the engine.
       */
      object: string;
    }[];
    /**
     * Instances that are left running and no longer managed.
     */
    forgotten?: string[];
  };
}
