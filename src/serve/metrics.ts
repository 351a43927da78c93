import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoopEvent } from '../reconcile/loop.ts';

/** Prometheus metrics of `muster run`, fed by the loop's events. Names follow the Prometheus conventions. */
export interface Metrics {
  record(event: LoopEvent): void;
  /** Text exposition format. */
  render(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(cluster: string): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  registry.setDefaultLabels({ cluster });
  const leader = new Gauge({ name: 'muster_leader', help: '1 while this process holds the leader lease', registers });
  const passes = new Counter({
    name: 'muster_passes_total',
    help: 'Passes, by what triggered them',
    labelNames: ['trigger'],
    registers,
  });
  const failures = new Counter({
    name: 'muster_pass_failures_total',
    help: 'Passes that ended in an error',
    registers,
  });
  const planning = new Histogram({
    name: 'muster_plan_duration_seconds',
    help: 'From the look at the world to a verified plan',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30],
    registers,
  });
  const drift = new Gauge({
    name: 'muster_drift',
    help: 'Instances that are not as recorded, by kind',
    labelNames: ['kind'],
    registers,
  });
  const pending = new Gauge({ name: 'muster_pending_steps', help: 'Steps of the last plan', registers });
  const refusals = new Gauge({ name: 'muster_refusals', help: 'Refusals of the last plan', registers });
  const delayed = new Gauge({ name: 'muster_delayed_units', help: 'Units that wait for their back-off', registers });
  const units = new Counter({
    name: 'muster_units_total',
    help: 'Units that ended, by how',
    labelNames: ['state'],
    registers,
  });
  const zombies = new Counter({
    name: 'muster_zombies_removed_total',
    help: 'Objects taken away that an engine had made late',
    registers,
  });
  const lastPass = new Gauge({
    name: 'muster_last_pass_timestamp_seconds',
    help: 'When the last pass was planned',
    registers,
  });

  const record = (event: LoopEvent): void => {
    switch (event.kind) {
      case 'leading':
        leader.set(1);
        break;
      case 'standby':
      case 'leaseLost':
      case 'stopped':
        leader.set(0);
        break;
      case 'recovered':
        for (const { state } of event.units) units.inc({ state });
        break;
      case 'planned':
        passes.inc({ trigger: event.trigger });
        planning.observe(event.tookMs / 1000);
        lastPass.set(Date.now() / 1000);
        pending.set(event.plan.steps.length);
        refusals.set(event.plan.refusals.length);
        delayed.set(event.delayed.length);
        drift.reset();
        for (const { kind } of event.drift) drift.inc({ kind });
        break;
      case 'applied':
        for (const { state } of event.outcome.units) units.inc({ state });
        break;
      case 'zombieRemoved':
        zombies.inc();
        break;
      case 'passFailed':
      case 'sourceBroken':
        failures.inc();
        break;
    }
  };
  return { record, render: () => registry.metrics(), contentType: registry.contentType };
}
