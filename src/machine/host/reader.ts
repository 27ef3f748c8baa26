/** The host that this runs on, as the doctor reads it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { localFiles } from '../../base/process/files.js';
import { namespaceRefusal } from '../../base/process/namespace-holder.js';
import { findProgram } from '../../base/process/program.js';
import { syscallTracepoint } from './tracepoint.js';
import { native } from '../../data/native/native.js';
import { type HostFacts, readHostFacts, type Reader } from './host-facts.js';

export const localReader: Reader = {
  ...localFiles,
  program: (name) => findProgram(name) !== null,
  wait: async (milliseconds) => {
    await sleep(milliseconds);
  },
  namespaceRefusal,
  tracepointRefusal: async () => (await syscallTracepoint()).reason,
  lineTrip: (first, second) => native().lineTrip(first, second),
  offloads: (name) => {
    try {
      return native().offloads(name);
    } catch {
      return null;
    }
  },
};

/** The facts without what has to be tried out (namespaces, tracepoints, programs): a run finds these itself. */
export function readQuickFacts(): Promise<HostFacts> {
  return readHostFacts({
    ...localReader,
    program: () => true,
    lineTrip: () => null,
    namespaceRefusal: () => Promise.resolve(null),
    tracepointRefusal: () => Promise.resolve(null),
  });
}
