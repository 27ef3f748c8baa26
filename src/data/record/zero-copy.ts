/** What the kernel says about sends that asked for zero copy. */
import type { TrialRecord } from './record.js';

/** Of the sends that asked for zero copy and were completed; null where there were none. */
export function zeroCopyShare(detail: TrialRecord['forwarder_detail']): number | null {
  const { zerocopy_sends: sends, zerocopy_copied: copied } = detail;
  if (typeof sends !== 'number' || typeof copied !== 'number' || sends <= 0) return null;
  return Math.min(1, Math.max(0, 1 - copied / sends));
}
