/** The rooms of all kinds of workload. A kind is one folder, one line here and one case in `conduct.ts`. */
import { CHURN } from './churn/churn-schema.js';
import type { Kind, Room } from './common/room.js';
import { EXCHANGE } from './exchange/exchange-schema.js';
import { HTTP } from './http/http-schema.js';
import { SCRIPT } from './script/script-schema.js';
import { STREAM } from './stream/stream-schema.js';

export const ROOMS = {
  stream: STREAM,
  exchange: EXCHANGE,
  churn: CHURN,
  http: HTTP,
  script: SCRIPT,
} satisfies { readonly [K in Kind]: Room<K> };

export const KINDS = Object.keys(ROOMS) as Kind[];

/** A room of which nothing but its kind is known. */
export function roomOf(kind: Kind): Room<Kind> {
  return ROOMS[kind];
}
