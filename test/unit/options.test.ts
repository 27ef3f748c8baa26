import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { count, cpu, duration, hostPort, seed, size } from '../../src/cli/options.js';

describe('option values', () => {
  it('hostPort', () => {
    assert.deepEqual(hostPort('127.0.0.1:4000'), { host: '127.0.0.1', port: 4000 });
    assert.deepEqual(hostPort('localhost:0'), { host: '127.0.0.1', port: 0 });
    assert.deepEqual(hostPort(':80'), { host: '0.0.0.0', port: 80 });
    assert.deepEqual(hostPort('[::1]:65535'), { host: '::1', port: 65535 });
    for (const text of ['', '4000', '127.0.0.1', '127.0.0.1:', '1.2.3.4:65536', '::1:80', 'a:b']) {
      assert.throws(() => hostPort(text), InvalidArgumentError, text);
    }
    assert.throws(() => hostPort('example.org:80'), /not a numeric address/);
    assert.throws(() => hostPort('1.2.3:80'), /not a numeric address/);
  });

  it('count and cpu', () => {
    assert.equal(count('1'), 1);
    assert.equal(cpu('0'), 0);
    for (const text of ['0', '-1', '1.5', '', 'x', '1e3', '99999999999999999999']) {
      assert.throws(() => count(text), InvalidArgumentError, text);
    }
    for (const text of ['-1', '', '1,2', 'x']) assert.throws(() => cpu(text), InvalidArgumentError);
  });

  it('sizes, durations and seeds refuse in words that commander shows', () => {
    assert.equal(size('64KiB'), 65_536);
    assert.equal(duration('200ms'), 0.2);
    assert.equal(seed('18446744073709551615'), '18446744073709551615');
    assert.throws(() => size('64Kib'), InvalidArgumentError);
    assert.throws(() => duration('3 parsecs'), InvalidArgumentError);
    assert.throws(() => seed('18446744073709551616'), InvalidArgumentError);
    assert.throws(() => seed('-1'), InvalidArgumentError);
  });
});
