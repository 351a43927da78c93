import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Fare } from './store.ts';
import type { Fault } from './story.ts';

type Kind = Fault['kind'];
type Of<K extends Kind> = Extract<Fault, { readonly kind: K }>;

/** What is wrong with the ways between processes, store and engines at this moment, and how each message fares on them. */
export interface Network {
  /** Begins a fault that lasts; it ends by itself. */
  begin(fault: LastingFault): void;
  storeFare(process: number, request: 'read' | 'write' | 'lease' | 'watch'): Fare;
  engineFare(process: number, node: string, call: string): EngineFare;
  /** Everything works again. */
  heal(): void;
}

type LastingKind = 'storeAway' | 'storeSlow' | 'storeLoses' | 'engineAway' | 'reboot' | 'engineFails';

export type LastingFault = Of<LastingKind>;

/** How one engine call fares. `twice`: it is carried out a second time before its reply comes. */
export interface EngineFare {
  readonly fate: 'arrives' | 'refused' | 'silent' | 'replyLost' | 'twice';
  readonly thereMs: number;
  readonly backMs: number;
}

const lasting: ReadonlySet<Kind> = new Set<LastingKind>([
  'storeAway',
  'storeSlow',
  'storeLoses',
  'engineAway',
  'reboot',
  'engineFails',
]);

export const isLasting = (fault: Fault): fault is LastingFault => lasting.has(fault.kind);

export function createNetwork(scheduler: Pick<Scheduler, 'now'>, random: Random): Network {
  let active: { readonly fault: LastingFault; readonly until: number }[] = [];
  const now = (): readonly LastingFault[] => {
    if (active.length === 0) return [];
    const at = scheduler.now();
    active = active.filter(({ until }) => until > at);
    return active.map(({ fault }) => fault);
  };
  return {
    begin: (fault) => void active.push({ fault, until: scheduler.now() + fault.forMs }),
    heal: () => {
      active = [];
    },
    storeFare: (process, request) => {
      let fare: Fare = { fate: 'arrives', thereMs: random.between(1, 4), backMs: random.between(1, 4) };
      for (const fault of now()) {
        if (fault.kind === 'storeAway' && (fault.process ?? process) === process) fare = { ...fare, fate: 'lost' };
        if (fault.kind === 'storeSlow') fare = { ...fare, thereMs: fare.thereMs + random.between(0, fault.delayMs) };
        if (fault.kind === 'storeLoses' && request !== 'read' && random.happens(fault.share)) {
          const late = random.between(0, fault.lateMs);
          fare = { ...fare, fate: random.happens(0.5) ? 'replyLost' : 'lost', thereMs: fare.thereMs + late };
        }
      }
      return fare;
    },
    engineFare: (process, node, call) => {
      let fare: EngineFare = { fate: 'arrives', thereMs: random.between(1, 20), backMs: random.between(1, 20) };
      for (const fault of now()) {
        if (!('node' in fault) || fault.node !== node) continue;
        if (fault.kind === 'reboot') fare = { ...fare, fate: 'refused' };
        if (fault.kind === 'engineAway' && (fault.process ?? process) === process) fare = { ...fare, fate: fault.how };
        if (fault.kind === 'engineFails' && random.happens(fault.share)) fare = failing(fault, call, fare);
      }
      return fare;
    },
  };

  function failing({ how }: Of<'engineFails'>, call: string, fare: EngineFare): EngineFare {
    switch (how) {
      case 'before':
        return { ...fare, fate: 'refused' };
      case 'after':
        return { ...fare, fate: 'replyLost' };
      case 'twice':
        return { ...fare, fate: 'twice' };
      case 'slow':
        return { ...fare, backMs: fare.backMs + random.between(0, 5_000) };
      case 'late':
        return { ...fare, thereMs: fare.thereMs + (changing.has(call) ? random.between(0, 25_000) : 0) };
    }
  }
}

/** Calls that change something. */
export const changing: ReadonlySet<string> = new Set(['create', 'start', 'stop', 'remove', 'update']);
