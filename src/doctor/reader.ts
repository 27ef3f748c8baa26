/** The host that this runs on, as the doctor reads it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { localFiles } from '../host/files.js';
import { loopbackHost } from '../host/private-namespace.js';
import { findProgram } from '../host/program.js';
import { syscallTracepoint } from '../host/tracepoint.js';
import { native } from '../native.js';
import { type HostFacts, readHostFacts, type Reader } from './host-facts.js';

export const localReader: Reader = {
  ...localFiles,
  program: (name) => findProgram(name) !== null,
  wait: async (milliseconds) => {
    await sleep(milliseconds);
  },
  namespaceRefusal: async () => {
    const host = await loopbackHost({ kind: 'loopback', congestion: 'cubic', sysctls: {} });
    await host.close();
    return host.isolated ? null : (/\((.*)\)/.exec(host.limits[0] ?? '')?.[1] ?? 'refused');
  },
  tracepointRefusal: async () => (await syscallTracepoint()).reason,
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
    namespaceRefusal: () => Promise.resolve(null),
    tracepointRefusal: () => Promise.resolve(null),
  });
}
