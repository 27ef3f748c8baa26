import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandKind } from '../../src/machine/forwarders/command.js';
import { fillPlaceholders } from '../../src/machine/forwarders/places.js';

const places = {
  listen: { host: '127.0.0.1', port: 4000 },
  upstream: { host: '10.1.1.1', port: 4001 },
};

async function specOf(options: Record<string, unknown>) {
  const { runner } = commandKind;
  assert.ok(runner.kind === 'command');
  return runner.command(options);
}

describe('fillPlaceholders', () => {
  it('fills every place, as often as it stands there', () => {
    assert.equal(
      fillPlaceholders('{listen.host}:{listen.port}>{upstream.host}:{upstream.port}', places),
      '127.0.0.1:4000>10.1.1.1:4001',
    );
    assert.equal(fillPlaceholders('{listen.port}{listen.port}', places), '40004000');
  });

  it('puts IPv6 into brackets where a port follows, and tells the version of IP', () => {
    const six = { ...places, listen: { host: '::1', port: 4000 } };
    const text =
      '{listen.host} {listen.address} {listen.ip} {listen.bracketed} {upstream.address} {upstream.ip}';
    assert.equal(fillPlaceholders(text, six), '::1 [::1]:4000 6 [::1] 10.1.1.1:4001 4');
  });

  it('fills in a folder where there is one', () => {
    assert.equal(fillPlaceholders('{dir}/x', places), '{dir}/x');
    assert.equal(fillPlaceholders('{dir}/x', { ...places, dir: '/tmp/$&' }), '/tmp/$&/x');
  });

  it('leaves other braces and dollars as they are', () => {
    for (const text of ['{ listen.port }', '${HOME}', '{listen}', '{}', '$&', 'awk {print $1}']) {
      assert.equal(fillPlaceholders(text, places), text);
    }
  });
});

describe('use: command', () => {
  it('has defaults for all but argv', async () => {
    assert.deepEqual(await specOf({ argv: ['x'] }), {
      argv: ['x'],
      env: {},
      cwd: null,
      files: {},
      probe: { kind: 'listen' },
      ready: 10,
      versionArgv: null,
    });
  });

  it('takes a duration, an environment, a version, files and a probe', async () => {
    const spec = await specOf({
      argv: ['x'],
      ready: '500ms',
      env: { A: 'b' },
      version: ['x', '-v'],
      cwd: '/',
      files: { 'x.conf': 'listen {listen.port}' },
      probe: { output: 'ready' },
    });
    assert.deepEqual(spec, {
      argv: ['x'],
      ready: 0.5,
      env: { A: 'b' },
      versionArgv: ['x', '-v'],
      cwd: '/',
      files: { 'x.conf': 'listen {listen.port}' },
      probe: { kind: 'output', text: 'ready' },
    });
    const { probe } = await specOf({ argv: ['x'], probe: { command: ['true'] } });
    assert.deepEqual(probe, { kind: 'command', argv: ['true'] });
  });

  for (const [what, options] of [
    ['an empty argv', { argv: [] }],
    ['no argv', {}],
    ['an unknown key', { argv: ['x'], enviroment: {} }],
    ['a file outside its folder', { argv: ['x'], files: { '../x': '' } }],
    ['a hidden file', { argv: ['x'], files: { '.x': '' } }],
    ['an unknown probe', { argv: ['x'], probe: 'connect' }],
    ['two probes', { argv: ['x'], probe: { output: 'a', command: ['b'] } }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(specOf(options));
    });
  }
});
