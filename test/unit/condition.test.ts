import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Condition,
  conditionNames,
  conditionTitle,
} from '../../src/experiment/verdict/condition.js';

const PLAIN: Condition = {
  cell: 'probe/check=full',
  scenario: 'probe',
  topology: 'loopback',
  check: 'full',
  direction: 'download',
  connections: 1,
  message_bytes: null,
};

describe('conditionTitle', () => {
  it('says what the matrix varies, and what it leaves out of a condition', () => {
    const varied = (cell: string) => conditionTitle({ ...PLAIN, cell });
    assert.equal(varied('probe/check=full'), 'probe on loopback, download, 1 connection');
    assert.match(varied('probe/check=full,mss=1460'), /, mss=1460$/);
    assert.match(varied('probe/check=full,mss=null'), /, without mss$/);
  });
});

describe('conditionNames', () => {
  it('names only what differs', () => {
    const cells = ['probe/mss=1460', 'probe/mss=null'].map((cell) => ({ ...PLAIN, cell }));
    assert.deepEqual(
      [...conditionNames(cells)],
      [
        ['probe/mss=1460', 'mss=1460'],
        ['probe/mss=null', 'without mss'],
      ],
    );
  });

  it('keeps keys that would get the same name', () => {
    const cells = ['probe/a', 'probe/b'].map((cell) => ({ ...PLAIN, cell, scenario: 'x' }));
    assert.deepEqual([...conditionNames(cells).values()], ['probe/a', 'probe/b']);
  });
});
