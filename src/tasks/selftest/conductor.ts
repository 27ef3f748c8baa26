/** Runs a control's trial: the trial machinery with a faulty source. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeEndpointOptions } from '../../data/native/native-surface.js';
import { RoleError } from '../../machine/role/client.js';
import type { StreamWorkload } from '../../data/record/plan.js';
import type { Conductor } from '../../experiment/measure/session.js';
import { sends, type Side } from '../../experiment/measure/endpoints.js';
import type { Streams } from '../../experiment/workload/stream/streams.js';
import { streamTrial, type StreamVariant } from '../../experiment/workload/stream/stream-trial.js';
import type { FaultySource } from './control.js';

const POLL = 5;
/** Everything must have come to rest within this time, milliseconds. */
const SETTLE_TIMEOUT = 10_000;
/** A source that cannot send any more for so long is stuck, milliseconds. */
const STUCK = 100;

/**
 * @param source null for a source that does no wrong
 * @param written told how many bytes the source wrote over
 */
export function faultyConductor(
  source: FaultySource | null,
  workload: StreamWorkload,
  written: (bytes: number) => void,
): Conductor {
  return (setting) => {
    if (source === null) return streamTrial(setting, workload);
    const total = (workload.bytes ?? 0) * workload.connections;
    const sending = (side: Side) => sends(side, workload);
    return streamTrial(setting, workload, {
      adapt: (side, options) => adapted(source, sending(side), options),
      ...(source.kind === 'graded' ? {} : { flowing: overwriteAtRest(source, total) }),
      collected: (streams) => {
        written(streams.reduce((sum, { sender }) => sum + (sender.overwritten ?? 0), 0));
      },
    });
  };
}

function adapted(
  source: FaultySource,
  sending: boolean,
  options: NativeEndpointOptions,
): NativeEndpointOptions {
  if (source.kind === 'graded') {
    return sending ? { ...options, send: 'graded', overwriteEvery: source.every } : options;
  }
  return sending
    ? { ...options, send: 'overwriting', handover: source.handover }
    : { ...options, holdReceive: true };
}

/** Nothing is read until everything has come to rest and was written over. */
function overwriteAtRest(
  { settled }: Extract<FaultySource, { kind: 'overwriting' }>,
  total: number,
): NonNullable<StreamVariant['flowing']> {
  return async (session) => {
    await (settled === 'arrived' ? allArrived(session, total) : stuck(session));
    await session.overwrite();
    await session.letReceive();
  };
}

async function allArrived(session: Streams, total: number): Promise<void> {
  const deadline = performance.now() + SETTLE_TIMEOUT;
  for (;;) {
    const [{ downstream }] = await session.mark();
    const arrived = downstream.received + (downstream.waiting ?? 0);
    if (arrived >= total) return;
    if (performance.now() > deadline) {
      throw new RoleError(`only ${arrived} of ${total} bytes arrived while the sink did not read`);
    }
    await sleep(POLL);
  }
}

async function stuck(session: Streams): Promise<void> {
  const deadline = performance.now() + SETTLE_TIMEOUT;
  let sent = -1;
  let since = performance.now();
  while (performance.now() < deadline) {
    const [{ upstream }] = await session.mark();
    if (upstream.sent !== sent) {
      sent = upstream.sent;
      since = performance.now();
    } else if (performance.now() - since > STUCK) {
      return;
    }
    await sleep(POLL);
  }
  throw new RoleError('the source went on sending although the sink did not read');
}
