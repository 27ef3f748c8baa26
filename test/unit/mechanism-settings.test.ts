/** What native code is told of a mechanism: everything, from the registry, and nothing that it does not know. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { native } from '../../src/data/native/native.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { settingsOf } from '../../src/machine/forwarders/settings.js';
import type { ForwarderKind } from '../../src/machine/forwarders/kind.js';

const HERE = { host: '127.0.0.1', port: 0 };

const mechanisms = [...forwarderKinds.values()].flatMap(({ runner }) =>
  runner.kind === 'builtin' ? [runner.mechanism] : [],
);

function kindOf(use: string): ForwarderKind {
  const kind = forwarderKinds.get(use);
  assert.ok(kind, use);
  return kind;
}

function opened(mechanism: string, settings: ReturnType<typeof settingsOf>['settings']) {
  return new (native().Forwarder)({ mechanism, listen: HERE, upstream: HERE, settings });
}

describe('settings of a mechanism', () => {
  it('every mechanism of the addon has its entry, and every entry its mechanism', () => {
    assert.deepEqual(mechanisms.toSorted(), [...native().mechanisms]);
  });

  for (const mechanism of mechanisms) {
    it(`${mechanism}: native code knows each option and misses none`, () => {
      const kind = kindOf(mechanism);
      const { settings } = settingsOf(kind, {});
      const whole = kind.damaging ? { ...settings, seed: '1' } : settings;
      assert.ok(opened(mechanism, whole).port > 0);
      assert.throws(() => opened(mechanism, { ...whole, pipes: 1 }), {
        message: `${mechanism}: no option 'pipes'`,
      });
      for (const name of Object.keys(whole)) {
        const less = Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name));
        assert.throws(() => opened(mechanism, less), {
          message: `${mechanism}: option '${name}' is missing`,
        });
      }
    });
  }

  it('a mode that is none is refused with those there are', () => {
    const { settings } = settingsOf(kindOf('file-source'), {});
    assert.throws(() => opened('file-source', { ...settings, via: 'rot13' }), {
      message: "file-source: option 'via': no mode 'rot13', only sendfile, splice",
    });
  });

  it('takes what is given, and the default of what is not; threads are told apart', () => {
    const { threads, settings } = settingsOf(kindOf('splice'), { pipe: 65536, threads: 3 });
    assert.equal(threads, 3);
    assert.deepEqual(settings, {
      pipe: 65536,
      move: true,
      nonblock: true,
      more: false,
      'read-when-pipe-holds-data': false,
      chunk: 2 ** 30,
      beyond: false,
      resize: 0,
    });
  });

  it('what a scenario may leave out stays out of the plan', () => {
    assert.deepEqual(kindOf('splice').options.parse({}), {});
    assert.deepEqual(kindOf('splice').options.parse({ pipe: '64KiB' }), { pipe: 65536 });
  });
});
