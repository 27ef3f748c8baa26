/** Which of the doctor's warnings a run shows: by its topology, and in one line each. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostFacts } from '../../src/machine/host/host-facts.js';
import { startWarnings, startWarningText } from '../../src/machine/host/start-warnings.js';

/** A host with much that the doctor warns of. */
const TROUBLED: HostFacts = {
  congestion: 'bbr',
  namespaceRefusal: 'refused',
  tracepointRefusal: 'refused',
  hardwareCounters: false,
  cpus: [0, 1],
  threadsShareCores: true,
  lineTrips: [],
  governors: ['powersave'],
  turbo: true,
  mitigations: ['mds'],
  busy: 0.4,
  stolen: 0,
  pipeMaxSize: null,
  pipeUserPagesSoft: null,
  openFiles: 1024,
  memoryAvailable: null,
  memoryPressure: null,
  virtual: true,
  machineType: null,
  numaNodes: 2,
  missingTools: ['ncat'],
  interfacesWithoutOffloads: ['eth7'],
};

describe('what a run warns of at its start', () => {
  for (const [kind, wanted] of [
    ['loopback', ['governor', 'busy']],
    ['nic', ['governor', 'turbo', 'busy']],
    ['hosts', ['pacing', 'governor', 'turbo', 'busy']],
  ] as const) {
    it(`is on ${kind} what concerns it, once however many conditions there are`, () => {
      const seen = [{ host: 'a', kinds: [kind, kind], facts: TROUBLED }];
      const found = startWarnings([...seen, ...seen], [], 1);
      assert.deepEqual(
        found.map(({ id }) => id),
        wanted,
      );
    });
  }

  it('is a sentence with host and remedy', () => {
    const [first] = startWarnings([{ host: 'a', kinds: ['veth'], facts: TROUBLED }], [], 1);
    assert.ok(first);
    assert.equal(
      startWarningText(first),
      'At the start, on a: the frequency governor is powersave (governor); remedy: cpupower frequency-set -g performance.',
    );
  });
});
