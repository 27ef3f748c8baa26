/** What was asked of a program and did not happen in a trial, in words. Pure. */
import type { ForwarderEntry, Workload } from '../../data/record/plan.js';
import { globalAndDefaults } from './drivers/haproxy-config.js';
import { haproxyIdleLimit, nginxIdleLimit, type IdleLimit } from './drivers/proxy-timeouts.js';
import type { UserConfig } from './drivers/user-config.js';

type Detail = Record<string, string | number | boolean>;

/**
 * Sentences without a subject: `splice asked for, and none of 12,000 bytes were spliced`.
 * @param detail what the program told of itself: its own counters, a line that speaks of trouble
 */
export function askedInVain(
  { use, options }: Pick<ForwarderEntry, 'use' | 'options'>,
  detail: Detail,
  workload: Workload,
): string[] {
  const config = isConfig(options['config']) ? options['config'] : null;
  return [
    ...notSpliced(use, options, config, detail),
    ...cutByTimeout(use, config, longestPause(workload)),
    ...saidOf(detail),
  ];
}

/** A driver's schema has made it. */
function isConfig(value: unknown): value is UserConfig {
  return typeof value === 'object' && value !== null && 'text' in value && 'path' in value;
}

function notSpliced(
  use: string,
  options: Record<string, unknown>,
  config: UserConfig | null,
  { bytes_by_its_counters: all, spliced_by_its_counters: spliced }: Detail,
): string[] {
  if (use !== 'haproxy' || spliced !== 0 || typeof all !== 'number' || all === 0) return [];
  const { splice, nosplice } = options;
  const inFile = config !== null && globalAndDefaults(config.text).some(asksForSplice);
  if (nosplice === true || !(inFile || (splice !== undefined && splice !== 'none'))) return [];
  return [`splice asked for, and none of ${all} bytes were spliced, by its own counters`];
}

function asksForSplice(line: string): boolean {
  return /^\s*option\s+splice-/.test(line);
}

function cutByTimeout(use: string, config: UserConfig | null, pause: number): string[] {
  if (config === null) return [];
  let limit: IdleLimit | null = null;
  if (use === 'haproxy') limit = haproxyIdleLimit(config);
  if (use === 'nginx') limit = nginxIdleLimit(config);
  if (limit === null || pause === 0 || limit.seconds > pause) return [];
  return [
    `'${limit.setting}' in ${config.path} is not longer than the workload's pause of ${pause} s: it may cut connections that only wait`,
  ];
}

/** The longest time in which an end does nothing by plan, seconds; 0 = there is none. */
function longestPause(workload: Workload): number {
  switch (workload.kind) {
    case 'stream': {
      const { pause } = workload;
      return pause === null ? 0 : typeof pause === 'number' ? pause : pause.for;
    }
    case 'script': {
      const steps = [...workload.client.steps, ...workload.server.steps];
      return Math.max(0, ...steps.map((step) => (step.do === 'pause' ? step.for : 0)));
    }
    case 'exchange':
    case 'churn':
    case 'http':
      return 0;
  }
}

function saidOf({ said }: Detail): string[] {
  if (typeof said !== 'string') return [];
  const down = /\bis DOWN\b|no server available|no live upstreams/.test(said);
  return [
    down ? `its health check took the server away ('${said}')` : `something went wrong: '${said}'`,
  ];
}
