import type { TrialColumns } from './trial-columns.js';

/**
 * True where source and sink run on the forwarder's own host. It then decides what they pay (wake-ups, soft
 * interrupts, cold caches), so that their limit is no bound on the forwarder's speed.
 */
export function endsShareHost({
  topology,
  emulated,
}: Pick<TrialColumns, 'topology' | 'emulated'>): boolean {
  return topology !== 'hosts' || emulated === true;
}
