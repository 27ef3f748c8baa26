import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cellKey, valueText, type Varied, variedOf } from '../../src/data/record/cell-key.js';

describe("a cell's key", () => {
  it('is the name of a scenario that varies nothing', () => {
    assert.equal(cellKey('loopback', []), 'loopback');
    assert.deepEqual(variedOf({ cell: 'loopback', scenario: 'loopback' }), []);
  });

  it('has what the matrix varies, in its order', () => {
    const varied: Varied[] = [
      ['mtu', '1500'],
      ['gro', 'on'],
    ];
    const cell = cellKey('offloads', varied);
    assert.equal(cell, 'offloads/mtu=1500,gro=on');
    assert.deepEqual(variedOf({ cell, scenario: 'offloads' }), varied);
  });

  it('says nothing of the cell of another scenario', () => {
    assert.deepEqual(variedOf({ cell: 'offloads/mtu=1500', scenario: 'off' }), []);
  });

  it('is read as it was built, whatever the values are', () => {
    const part = fc.tuple(fc.stringMatching(/^[a-z_.]{1,9}$/), fc.string());
    fc.assert(
      fc.property(fc.string(), fc.array(part, { minLength: 1 }), (scenario, varied) => {
        assert.deepEqual(variedOf({ cell: cellKey(scenario, varied), scenario }), varied);
      }),
    );
  });

  it('has values in one line each', () => {
    assert.equal(valueText('64KiB'), '64KiB');
    assert.equal(valueText(null), 'null');
    assert.equal(valueText({ min: '1KiB', max: '64KiB' }), '1KiB-64KiB');
    assert.equal(valueText({ cpu: '50%', memory: '1GiB' }), 'cpu:50% memory:1GiB');
  });
});
