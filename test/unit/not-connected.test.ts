import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { notConnected } from '../../src/experiment/workload/common/not-connected.js';

describe('notConnected', () => {
  it('says that the upstream was probably out of reach where a connection ended without a byte', () => {
    assert.equal(
      notConnected('downstream', 0, 1, { started: 0, ended: 1, lastErrno: 'ECONNRESET' }),
      'downstream end: 0 of 1 connections came up through the forwarder (ECONNRESET): it ended a ' +
        'connection before its first byte, so it probably could not reach the upstream',
    );
  });

  it('guesses nothing where none ended, where bytes came, or at the other end', () => {
    const seen = { started: 0, ended: 0, lastErrno: null };
    const plain = / came up through the forwarder$/;
    assert.match(notConnected('downstream', 0, 1, seen), plain);
    assert.match(notConnected('downstream', 1, 2, { ...seen, started: 1, ended: 1 }), plain);
    assert.match(notConnected('upstream', 0, 1, { ...seen, ended: 1 }), plain);
  });

  it('tells no prefix, a malformed one, and one that is still waited for', () => {
    const seen = { started: 0, ended: 1 };
    const said = (lastErrno: string | null, awaitingPrefix = 0) =>
      notConnected('upstream', 0, 2, { ...seen, lastErrno, awaitingPrefix }, 'proxy-v1');
    assert.equal(
      said('ENOMSG'),
      'upstream end: 0 of 2 connections came up through the forwarder: no PROXY header ' +
        '(workload.prefix: proxy-v1): the connection began with something else, or ended before',
    );
    assert.match(said('EPROTO'), /: malformed PROXY header \(workload.prefix: proxy-v1\)$/);
    assert.match(said(null, 2), /: no PROXY header \(.*\): it has not come on 2 that are up$/);
    assert.match(said('ECONNRESET'), /forwarder \(ECONNRESET\)$/);
    const plain = notConnected('upstream', 0, 2, { ...seen, lastErrno: 'EPROTO' });
    assert.match(plain, /forwarder \(EPROTO\)$/);
  });
});
