import type { HealthCheck, HealthProbe, RevisionPort } from '../model/revision.ts';
import { parseDuration } from '../model/units.ts';
import { shown } from './pointer.ts';
import { quantity, type Reading, report } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';
import { didYouMean } from './suggest.ts';

type Health = NonNullable<Workload['spec']['health']>;

interface Where {
  readonly ports: readonly RevisionPort[];
  readonly reading: Reading;
}

const probeKinds = ['http', 'tcp', 'exec'] as const;

export function healthOf(health: Health | undefined, where: Where): HealthCheck | undefined {
  if (health === undefined) return undefined;
  const { reading } = where;
  const given = probeKinds.filter((kind) => health[kind] !== undefined);
  if (given.length !== 1) {
    const message =
      given.length === 0
        ? 'a health check needs one of http, tcp and exec'
        : `a health check has one probe, not ${given.join(' and ')}`;
    report(reading, { code: 'MUS1314', pointer: '/spec/health', target: 'key', message, allowed: probeKinds });
  }
  const probe = probeOf(health, where);
  if (probe === undefined) return undefined;
  const duration = (key: 'interval' | 'timeout', fallback: number) =>
    quantity(reading, parseDuration, { value: health[key], pointer: `/spec/health/${key}`, fallback });
  return {
    probe,
    intervalMs: duration('interval', 5000),
    timeoutMs: duration('timeout', 2000),
    healthyAfter: health.healthyAfter ?? 2,
    unhealthyAfter: health.unhealthyAfter ?? 3,
  };
}

function probeOf({ http, tcp, exec }: Health, where: Where): HealthProbe | undefined {
  if (http !== undefined) {
    return { kind: 'http', port: portNameOf(http.port, '/spec/health/http/port', where), path: http.path ?? '/' };
  }
  if (tcp !== undefined) return { kind: 'tcp', port: portNameOf(tcp.port, '/spec/health/tcp/port', where) };
  return exec === undefined ? undefined : { kind: 'exec', command: exec.command };
}

/** The name of the port that a check goes to, given by name or number. */
function portNameOf(port: string | number, pointer: string, { ports, reading }: Where): string {
  const found = ports.find(({ name, port: number }) => (typeof port === 'number' ? number === port : name === port));
  const names = ports.map(({ name }) => name);
  if (found === undefined) {
    const hint = names.length === 0 ? { hint: 'declare it under spec.ports' } : didYouMean(String(port), names);
    report(reading, {
      code: 'MUS1310',
      pointer,
      message: `the health check’s port is not among the workload’s ports`,
      found: shown(port),
      allowed: names,
      ...hint,
    });
    return String(port);
  }
  if (found.publish === 'none' || found.protocol === 'udp') {
    const why =
      found.protocol === 'udp'
        ? 'is UDP, which cannot be asked'
        : 'is not published, so that the check cannot reach it';
    report(reading, {
      code: 'MUS1310',
      pointer,
      message: `the health check’s port ${why}`,
      found: shown(port),
      hint: 'use another port, or an exec check',
    });
  }
  return found.name;
}
