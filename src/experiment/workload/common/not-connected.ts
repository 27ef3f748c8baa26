/** Connections that did not come up, in words. */
import type { EndpointSnapshot } from '../../../data/native/native-surface.js';
import type { Prefix } from '../../../data/record/words.js';
import type { Side } from '../../measure/endpoints.js';

/**
 * "downstream end: 0 of 1 connections came up through the forwarder (ECONNRESET)", and why that
 * probably is so: a forwarder accepts before it connects, so that a connection which ends before its
 * first byte was most likely given up for want of an upstream. Where each connection must begin with a
 * prefix, "upstream end: 0 of 1 connections came up through the forwarder: no PROXY header (…)".
 * @param prefix that the workload declares; null = none
 */
export function notConnected(
  side: Side,
  has: number,
  connections: number,
  seen: Pick<EndpointSnapshot, 'started' | 'ended' | 'lastErrno' | 'awaitingPrefix'>,
  prefix: Prefix | null = null,
): string {
  const { started, ended, lastErrno } = seen;
  const lacking = prefix === null || side !== 'upstream' ? null : withoutPrefix(prefix, seen);
  const text = `${side} end: ${has} of ${connections} connections came up through the forwarder`;
  if (lacking !== null) return `${text}: ${lacking}`;
  const why = lastErrno === null ? '' : ` (${lastErrno})`;
  const hint =
    side === 'downstream' && ended > started
      ? ': it ended a connection before its first byte, so it probably could not reach the upstream'
      : '';
  return `${text}${why}${hint}`;
}

/** The errors of an endpoint whose connection begins with no header, or with one that is wrong. */
const NO_HEADER = 'ENOMSG';
const BAD_HEADER = 'EPROTO';

/** What is wrong with the prefix of a connection; null = nothing that is known. */
function withoutPrefix(
  prefix: Prefix,
  { lastErrno, awaitingPrefix = 0 }: Pick<EndpointSnapshot, 'lastErrno' | 'awaitingPrefix'>,
): string | null {
  const declared = `workload.prefix: ${prefix}`;
  if (lastErrno === BAD_HEADER) return `malformed PROXY header (${declared})`;
  if (lastErrno === NO_HEADER) {
    return `no PROXY header (${declared}): the connection began with something else, or ended before`;
  }
  if (awaitingPrefix === 0) return null;
  return `no PROXY header (${declared}): it has not come on ${awaitingPrefix} that are up`;
}
