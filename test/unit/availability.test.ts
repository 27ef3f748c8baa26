import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { isUnavailable, unavailableIn } from '../../src/experiment/trial/availability.js';

const TEXT = `name: t
matrix: { workload.connections: [1, 10] }
forwarders: [poc, copy]
`;

describe('availability', () => {
  const scenario = parseScenario(TEXT, 't.yaml', forwarderKinds);
  const none = () => Promise.resolve(null);
  const never = (): null => null;
  const settings = z.strictObject({});
  const runner = { kind: 'builtin', mechanism: 'copy', settings } as const;

  it('leaves a forwarder out of the cells whose workload it is not for', async () => {
    const found = await unavailableIn(scenario, forwarderKinds);
    assert.deepEqual(found, [
      {
        scenario: 't',
        forwarder: 'poc',
        cell: 't/connections=10',
        reason: 'poc forwards one connection at a time, as the 2008 program did',
      },
    ]);
    const cell = (key: string) => ({ key, scenario: 't' });
    assert.equal(isUnavailable(found, cell('t/connections=10'), 'poc'), true);
    assert.equal(isUnavailable(found, cell('t/connections=1'), 'poc'), false);
    assert.equal(isUnavailable(found, cell('t/connections=10'), 'copy'), false);
    assert.equal(isUnavailable(found, { key: 't/connections=10', scenario: 'u' }, 'poc'), false);
  });

  it('leaves out of every cell what this host lacks something for, with the reason', async () => {
    const kinds = new Map([
      [
        'poc',
        {
          unavailable: () => Promise.resolve<string | null>('no select here'),
          refuses: never,
          runner,
        },
      ],
      ['copy', { unavailable: none, refuses: never, runner }],
    ]);
    const found = await unavailableIn(scenario, kinds);
    assert.deepEqual(found, [
      { scenario: 't', forwarder: 'poc', cell: null, reason: 'no select here' },
    ]);
    for (const { key } of scenario.cells) {
      assert.equal(isUnavailable(found, { key, scenario: 't' }, 'poc'), true);
    }
  });

  it('leaves out only the traced of two like forwarders where strace cannot be used', async () => {
    const both = parseScenario(
      'name: t\nforwarders: [poc, { use: poc, strace: true }, copy]\n',
      't.yaml',
      forwarderKinds,
    );
    assert.deepEqual(
      both.forwarders.map(({ label, strace }) => [label, strace === true]),
      [
        ['poc', false],
        ['poc under strace', true],
        ['copy', false],
      ],
    );
    const asked: boolean[] = [];
    const lacking = (attach: boolean) => {
      asked.push(attach);
      return Promise.resolve('strace may not trace here');
    };
    assert.deepEqual(await unavailableIn(both, forwarderKinds, null, null, lacking), [
      {
        scenario: 't',
        forwarder: 'poc under strace',
        cell: null,
        reason: 'strace may not trace here',
      },
    ]);
    assert.deepEqual(asked, [true]);
  });

  it('names a forwarder that the registry does not know', async () => {
    const found = await unavailableIn(scenario, new Map());
    assert.deepEqual(
      found.map(({ forwarder, reason }) => [forwarder, reason]),
      [
        ['poc', "no forwarder 'poc'"],
        ['copy', "no forwarder 'copy'"],
      ],
    );
  });
});
