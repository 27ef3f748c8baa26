/** After how long without traffic a user's own configuration cuts a connection. Pure. */
import { globalAndDefaults } from './haproxy-config.js';
import { settingsOfNginx } from './nginx-config.js';
import type { UserConfig } from './user-config.js';

/** A setting as it stands in the file, and its seconds. */
export interface IdleLimit {
  setting: string;
  seconds: number;
}

const SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
};

/** @param unit of a number without one */
function secondsOf(text: string, unit: 'ms' | 's'): number | null {
  const [, amount, given = ''] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = SECONDS[given === '' ? unit : given];
  return amount === undefined || factor === undefined ? null : Number(amount) * factor;
}

/** Of HAProxy: the shorter of client and server, or that of tunnels, which takes their place. */
export function haproxyIdleLimit({ text }: UserConfig): IdleLimit | null {
  let limits = new Map<string, IdleLimit>();
  for (const line of globalAndDefaults(text)) {
    const [word, which = '', value = ''] = line.trim().split(/\s+/);
    if (word === 'defaults') limits = new Map();
    if (word !== 'timeout' || !['client', 'server', 'tunnel'].includes(which)) continue;
    const seconds = secondsOf(value, 'ms');
    if (seconds !== null) limits.set(which, { setting: `timeout ${which} ${value}`, seconds });
  }
  const tunnel = limits.get('tunnel');
  if (tunnel !== undefined) return tunnel;
  return [...limits.values()].toSorted((a, b) => a.seconds - b.seconds)[0] ?? null;
}

/** Of nginx: `proxy_timeout`, between two operations on either connection. */
export function nginxIdleLimit(config: UserConfig): IdleLimit | null {
  for (const line of settingsOfNginx(config, new Set()).stream) {
    const value = /^proxy_timeout (\S+);$/.exec(line)?.[1];
    const seconds = value === undefined ? null : secondsOf(value, 's');
    if (seconds !== null) return { setting: `proxy_timeout ${value}`, seconds };
  }
  return null;
}
