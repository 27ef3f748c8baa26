import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callsAround, completeIncidents } from '../../src/data/integrity/incident-calls.js';
import type { Incident, RecordedCall } from '../../src/data/record/record.js';

function incident(offset: number, length: number, direction: 'down' | 'up' = 'down'): Incident {
  return {
    connection: 0,
    direction,
    offset,
    length,
    class: 'unknown',
    expected_hex: '',
    received_hex: '',
  };
}

/** Calls of 1000 bytes each, from offset 0 on. */
function calls(count: number, flow = 0): RecordedCall[] {
  return Array.from({ length: count }, (_, index) => ({
    t: index,
    name: 'splice',
    flow,
    asked: 65_536,
    got: 1000,
    offset: index * 1000,
  }));
}

function offsets(found: RecordedCall[]): number[] {
  return found.map(({ offset }) => offset / 1000);
}

const ONE = { connections: 1, clientPort: null };

describe('callsAround', () => {
  it("the report's own example: the call that brought 172 bytes, and those around it", () => {
    const sizes = [1024, 1460, 1460, 172, 1460, 1460];
    let offset = 14_164 - 3944;
    const recorded = sizes.map((got, t): RecordedCall => {
      const call = { t, name: 'splice', flow: 0, asked: 65_536, got, offset };
      offset += got;
      return call;
    });
    const found = callsAround(incident(14_164, 172), recorded, ONE);
    assert.ok(found.some(({ got }) => got === 172));
    assert.equal(found.length, 6);
  });

  it('four before and four after those that carried it', () => {
    assert.deepEqual(
      offsets(callsAround(incident(20_500, 10), calls(100), ONE)),
      [16, 17, 18, 19, 20, 21, 22, 23, 24],
    );
    assert.deepEqual(
      offsets(callsAround(incident(19_999, 2), calls(100), ONE)),
      [15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
    );
  });

  it('at the start, and for bytes that are missing', () => {
    assert.deepEqual(offsets(callsAround(incident(0, 1), calls(10), ONE)), [0, 1, 2, 3, 4]);
    assert.deepEqual(
      offsets(callsAround(incident(5000, 0), calls(10), ONE)),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  });

  it('of the direction of the incident only', () => {
    const both = [...calls(10, 0), ...calls(10, 1)];
    const up = callsAround(incident(5000, 1, 'up'), both, ONE);
    assert.ok(up.length > 0 && up.every(({ flow }) => flow === 1));
  });

  it('never more than forty, never without knowing the flow, never what is gone', () => {
    assert.equal(callsAround(incident(0, 90_000), calls(100), ONE).length, 40);
    assert.deepEqual(
      callsAround(incident(5000, 1), calls(10), { connections: 2, clientPort: null }),
      [],
    );
    assert.deepEqual(callsAround(incident(5_000_000, 1), calls(10), ONE), []);
    assert.deepEqual(callsAround(incident(0, 1), [], ONE), []);
  });

  it('of the connection of the incident only, by the port its client came from', () => {
    const many = [
      ...calls(10, 0).map((call) => ({ ...call, port: 4000 })),
      ...calls(10, 2).map((call) => ({ ...call, port: 4001 })),
    ];
    const found = callsAround(incident(5000, 1), many, { connections: 2, clientPort: 4001 });
    assert.ok(found.length > 0 && found.every(({ flow }) => flow === 2));
    assert.deepEqual(callsAround(incident(5000, 1), many, { connections: 2, clientPort: 9 }), []);
  });

  it('leave room for the side with few calls where the other has many', () => {
    const many = calls(100).map((call) => ({ ...call, side: 'in' as const }));
    const out = { ...calls(1)[0], t: 200, got: 100_000, side: 'out' as const } as RecordedCall;
    const found = callsAround(incident(0, 100_000), [...many, out], ONE);
    assert.equal(found.length, 40);
    assert.equal(found.at(-1)?.side, 'out');
  });

  it('calls that moved nothing carry nothing', () => {
    const failed = calls(3).map((call) => ({ ...call, got: -11 }));
    assert.deepEqual(callsAround(incident(1000, 1), failed, ONE), []);
  });
});

describe('completeIncidents', () => {
  it('places what lies behind missing or added bytes in what was sent', () => {
    const incidents = [
      { ...incident(1000, 500), class: 'missing' as const },
      incident(5000, 10),
      { ...incident(6000, 200), class: 'inserted' as const },
      incident(9000, 10),
      incident(9000, 10, 'up'),
    ];
    const end = { connections: [], incidents };
    const streams = [{ sender: end, receiver: end }] as unknown as Parameters<
      typeof completeIncidents
    >[0];
    const recorded = calls(20).map((call) => ({ ...call, side: 'in' as const }));
    completeIncidents(streams, recorded, 1);
    assert.deepEqual(
      incidents.map(({ source_offset }) => source_offset),
      [undefined, 5500, 6500, 9300, undefined],
    );
  });
});
