import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { measuringParameters } from '../../src/machine/host/kernel-parameters.js';

describe('kernel parameters', () => {
  it('keeps what decides how a host measures, in its order', () => {
    const line =
      'BOOT_IMAGE=/vmlinuz root=UUID=1 ro mitigations=off isolcpus=2,3 processor.max_cstate=1';
    assert.equal(measuringParameters(line), 'mitigations=off isolcpus=2,3 processor.max_cstate=1');
  });

  it('drops arguments of the init process, whatever they are called', () => {
    assert.equal(measuringParameters('quiet nosmt -- --token=secret mitigations=off'), 'nosmt');
    assert.equal(measuringParameters('-- psi=1'), '');
  });

  it('takes no name for another that begins alike', () => {
    assert.equal(
      measuringParameters('pci=noaer pcie_ports=native idlepoll idle=poll'),
      'pci=noaer idle=poll',
    );
  });

  it('gives an empty text for an empty line', () => {
    assert.equal(measuringParameters(''), '');
  });
});
