/** What the whole surface of the native addon is made of. Sizes are bytes. */
import type { IncidentClass } from '../record/words.js';

export interface NativeAddress {
  /** Numeric IPv4 or IPv6. */
  host: string;
  port: number;
}

export interface CheckTotals {
  verified: number;
  corrupted: number;
  missing: number;
  extra: number;
  incidents: number;
  byClass: Partial<Record<IncidentClass, number>>;
}
