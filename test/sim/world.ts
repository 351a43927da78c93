import type { Desired } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Machine } from './engines.ts';
import type { GitState } from './git.ts';
import type { Network } from './network.ts';
import type { MusterProcess, Surroundings } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { StoreServer } from './store-server.ts';
import type { Fault, Story, StoryChange } from './story.ts';

/** Unix ms of virtual 0. */
export const epoch = Date.UTC(2026, 0, 1);

/** Everything that a story happens in. */
export interface World {
  readonly story: Story;
  readonly scheduler: Scheduler;
  readonly server: StoreServer;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly network: Network;
  readonly processes: (MusterProcess | undefined)[];
  git(): GitState;
  desired(): Desired;
  violated(promise: string, message: string): void;
  violation(): Violation | undefined;
}

/** Watches a world and tells what is broken in it. */
export interface Observer {
  /** After every event that changed something in the store or on a machine. */
  readonly check?: () => void;
  /** Git changes, or something goes wrong. */
  readonly happens?: (event: StoryChange | Fault) => void;
  readonly told?: Partial<Surroundings['told']>;
  /** When the world has come to rest. */
  readonly atRest?: (plan: Plan) => void;
}

/** A promise that was broken. */
export interface Violation {
  /** Which promise: the name by which two failures are the same one. */
  readonly promise: string;
  readonly message: string;
  /** Virtual ms */
  readonly at: number;
}
