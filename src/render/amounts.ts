import type { Dimension, Resources } from '../model/resources.ts';
import { dimensionsOf } from '../model/resources.ts';
import { formatBitRate, formatBytes, formatCores } from '../model/units.ts';

/** An amount in its dimension's unit, as config repos write it: `1.5`, `512MiB`, `100Mbit`, `4`. Exact. */
export function formatAmount(dimension: Dimension | 'instances', amount: number): string {
  if (dimension.endsWith('Millis')) return formatCores(amount);
  if (dimension.endsWith('Bytes')) return formatBytes(amount);
  if (dimension.endsWith('Bits')) return formatBitRate(amount);
  return String(amount);
}

/** Like `formatAmount`, but rounded to one decimal of the largest unit: for sums, where `1952384MiB` says nothing. */
export function formatAbout(dimension: Dimension | 'instances', amount: number): string {
  if (!dimension.endsWith('Bytes')) return formatAmount(dimension, amount);
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(Math.max(1, Math.abs(amount))) / 10));
  return power === 0 ? `${amount}B` : `${Math.round((amount / 1024 ** power) * 10) / 10}${units[power - 1]}`;
}

/** `cpuMillis` → `cpu`; extended resources keep their name. */
export const dimensionLabel = (dimension: string): string => dimension.replace(/(Millis|Bytes|Bits|Ms)$/, '');

/** `cpu 500m, memory 512MiB` */
export const formatResources = (resources: Resources): string =>
  dimensionsOf(resources)
    .map((dimension) => `${dimensionLabel(dimension)} ${formatAmount(dimension, resources[dimension] ?? 0)}`)
    .join(', ');

/** How long something took or has been so, rounded for reading: `0.4s`, `12s`, `3m`, `5h`, `2d`. */
export function formatAge(ms: number): string {
  if (ms < 0) return '0s';
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)}s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)}m`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)}h`;
  return `${Math.round(ms / 86_400_000)}d`;
}

/** `2026-11-21 22:40:03Z`: one time zone everywhere, since logs of several machines meet here. */
export const formatTime = (unixMs: number): string =>
  new Date(unixMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
