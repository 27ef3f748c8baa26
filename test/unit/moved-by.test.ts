/** Which calls moved a forwarder's bytes: shares by kind, and what programs say of themselves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MovedBy, sharesByKind } from '../../src/data/record/moved-by.js';
import type { RestRecord } from '../../src/data/record/rest-record.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { movedBytes } from '../../src/machine/role/tree-syscalls.js';
import { buildReport } from '../../src/report/model/model.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { COPY, DIRECT, fakeSource, SPLICE } from './report-fixture.js';

const of = (bytes: number) => ({ calls: 1, bytes });
const here = () => true;
const REST: RestRecord = {
  idle_cpu_share: 0.02,
  drained_cpu_share: 0.97,
  held: { descriptors: 3, pipes: 0, sockets: 3, states: { 'CLOSE-WAIT': 2, ESTAB: 1 } },
  unavailable: {},
};

describe('shares by kind of call', () => {
  it('are of the bytes, whatever the calls are named', () => {
    const calls = {
      splice: of(600),
      read: of(100),
      sendto: of(100),
      writev: of(200),
      close: of(0),
    };
    assert.deepEqual(sharesByKind(calls, 500), { splice: 0.6, 'recv and send': 0.4 });
  });

  it('tell splicing by a ring from copying by one, and sendfile from both', () => {
    const calls = { 'io_uring:splice': of(1), 'io_uring:send': of(2), sendfile: of(1) };
    assert.deepEqual(sharesByKind(calls, null), { splice: 0.25, sendfile: 0.25, io_uring: 0.5 });
  });

  it('say what was moved without a call, and not what marks of a window miss', () => {
    assert.deepEqual(sharesByKind({ recvfrom: of(50) }, 100), {
      'recv and send': 0.25,
      'no call': 0.75,
    });
    assert.deepEqual(sharesByKind({ splice: of(190) }, 100), { splice: 1 });
    assert.deepEqual(sharesByKind({}, 100), { 'no call': 1 });
  });

  it('are unknown where nothing was seen', () => {
    assert.equal(sharesByKind({}, null), null);
    assert.equal(sharesByKind({ epoll_wait: of(0) }, 0), null);
  });
});

describe('bytes moved by threads', () => {
  const threads = [1, 2].map((tid) => ({ pid: 1, tid }));
  const sampler = (
    calls: Record<string, { calls: number; bytes: number }>,
    closed: () => void,
  ) => ({
    take: () => ({ calls, lost: 0 }),
    close: closed,
  });

  it('are added up, and no sampler stays open', async () => {
    let closed = 0;
    const open = () => sampler({ splice: of(7) }, () => closed++);
    assert.deepEqual(await movedBytes(threads, 0, open, here), { splice: { calls: 2, bytes: 14 } });
    assert.equal(closed, 2);
  });

  it('are waited for where others have the CPUs at first', async () => {
    let looks = 0;
    const open = () => ({
      take: () => ({ calls: looks++ < 5 ? {} : { splice: of(7) }, lost: 0 }),
      close: () => undefined,
    });
    assert.deepEqual(await movedBytes(threads, 0.01, open, here), {
      splice: { calls: 2, bytes: 14 },
    });
  });

  it('leave out a thread that is gone, and say so of one that refuses', async () => {
    let closed = 0;
    const open = (tid: number) => {
      if (tid === 2) throw new Error('perf_event_open: Permission denied');
      return sampler({ read: of(3) }, () => closed++);
    };
    assert.deepEqual(await movedBytes(threads, 0, open, ({ tid }) => tid === 1), { read: of(3) });
    await assert.rejects(movedBytes(threads, 0, open, here), /Permission denied/);
    assert.equal(closed, 2);
  });
});

describe('the section of a report', () => {
  const source = fakeSource({ forwarders: [DIRECT, SPLICE, COPY], checks: ['none'], blocks: 2 });
  const told = (moved_by: MovedBy) =>
    source.trials.map((trial): TrialRecord =>
      trial.forwarder === 'splice' ? { ...trial, moved_by, rest: REST } : trial,
    );
  const text = (trials: readonly TrialRecord[]) =>
    markdownReport.write(buildReport({ ...source, trials })) as string;

  it('says which calls moved the bytes, and what the program counts', () => {
    const program = { bytes: 100, spliced: 0 };
    const shares = { splice: 0.98, 'recv and send': 0.02 };
    const written = text(told({ shares, source: 'perf', reason: null, program }));
    assert.match(written, /\| splice \| splice 98 % and recv and send 2 %¹ \| 2 % \| 97 % \| 3 \|/);
    assert.match(written, /by its own account 0 % of the bytes it sent were spliced/);
  });

  it('says why nothing is known, and is not there where no trial tells', () => {
    const written = text(told({ shares: null, source: null, reason: 'needs root' }));
    assert.match(written, /needs root/);
    assert.doesNotMatch(text(source.trials), /Calls that moved the bytes/);
  });
});
