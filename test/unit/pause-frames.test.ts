import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allOn, type Host, localHost } from '../../src/machine/host/host.js';
import {
  cardsOf,
  parsePauseFrames,
  readPauseFrames,
  watchPauseFrames,
} from '../../src/machine/host/pause-frames.js';
import { scratch } from '../support/folder.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** As ethtool prints it. */
const shown = (statistics?: object) =>
  JSON.stringify([{ ifname: 'eth1', autonegotiate: false, rx: true, tx: true, statistics }]);

describe('parsePauseFrames', () => {
  it('adds up what was sent and received', () => {
    assert.equal(parsePauseFrames(shown({ tx_pause_frames: 2, rx_pause_frames: 3 })), 5);
    assert.equal(parsePauseFrames(shown({ rx_pause_frames: 0 })), 0);
  });

  it('is null where the driver counts none, which is not zero', () => {
    for (const text of [shown({}), shown(), '', '[]', 'netlink error: Operation not supported']) {
      assert.equal(parsePauseFrames(text), null, text);
    }
  });
});

describe('the cards of a trial', () => {
  it('are the interfaces with a device behind them', () => {
    const host: Host = { ...localHost(), interfaces: ['eth1', 'veth0'] };
    assert.deepEqual(cardsOf(host), []);
    assert.deepEqual(cardsOf({ ...host, devices: { eth1: '/sys/x' } }), ['eth1']);
    const interfaces = {
      '10.0.0.1': { name: 'eth1', device: true, speed: null },
      '10.0.0.2': { name: 'veth0', device: false, speed: null },
    };
    const identity = { interfaces } as unknown as NonNullable<Host['identity']>;
    assert.deepEqual(cardsOf({ ...host, identity }), ['eth1']);
  });

  it('are asked before and after; without a card, or one that tells, it is said why not', async (t) => {
    const file = join(scratch(t), 'frames');
    writeFileSync(file, '7');
    // In place of ethtool: counts two more each time it is asked.
    const script = `n=$(cat ${file}); echo $((n + 2)) >${file}; echo '[{"statistics": {"rx_pause_frames": '$n'}}]'`;
    const host: Host = {
      ...localHost(),
      prefix: ['sh', '-c', script, 'sh'],
      interfaces: ['eth1'],
      devices: { eth1: '/sys/x' },
    };
    const ended = await watchPauseFrames(allOn(host));
    assert.equal(await ended(), 2);
    assert.equal(readFileSync(file, 'utf8').trim(), '11');
    const none = await watchPauseFrames(allOn({ ...host, devices: {} }));
    assert.equal(await none(), 'no network card is involved');
    const mute = { ...host, prefix: ['false'] };
    const silent = await watchPauseFrames(allOn(mute));
    assert.equal(
      await silent(),
      'a network card of the trial does not report them (ethtool -I -a)',
    );
    assert.equal(await readPauseFrames({ prefix: ['/nowhere'] }, ['eth1']), null);
  });
});
