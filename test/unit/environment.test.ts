import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { captureEnvironment, hostFactsOf } from '../../src/machine/host/environment.js';
import { localHost } from '../../src/machine/host/host.js';
import { fakeFiles } from '../support/fake-files.js';

const CPU = '/sys/devices/system/cpu';

describe('the environment of a host', () => {
  it('has governors of all CPUs, turbo, SMT and mitigations', () => {
    const files = fakeFiles({
      '/proc/17/comm': 'irqbalance',
      '/proc/cmdline': 'root=/dev/x mitigations=off',
      [`${CPU}/cpu0/cpufreq/scaling_governor`]: 'performance',
      [`${CPU}/cpu1/cpufreq/scaling_governor`]: 'powersave',
      [`${CPU}/cpu10/cpufreq/scaling_governor`]: 'performance',
      [`${CPU}/intel_pstate/no_turbo`]: '1',
      [`${CPU}/smt/control`]: 'forceoff',
      [`${CPU}/vulnerabilities/mds`]: 'Not affected',
    });
    assert.deepEqual(hostFactsOf(files), {
      command_line: 'mitigations=off',
      governor: 'performance, powersave',
      turbo: 'off',
      smt: 'forceoff',
      irqbalance: 'running',
      mitigations: { mds: 'Not affected' },
      unavailable: {},
    });
  });

  it('knows turbo by either driver', () => {
    const turbo = (file: string, text: string) => hostFactsOf(fakeFiles({ [file]: text })).turbo;
    assert.equal(turbo(`${CPU}/intel_pstate/no_turbo`, '0'), 'on');
    assert.equal(turbo(`${CPU}/cpufreq/boost`, '1'), 'on');
    assert.equal(turbo(`${CPU}/cpufreq/boost`, '0'), 'off');
  });

  it('says why, where a host tells nothing', () => {
    const { unavailable, ...facts } = hostFactsOf(fakeFiles({}));
    assert.deepEqual(facts, {
      command_line: null,
      governor: null,
      turbo: null,
      smt: null,
      irqbalance: 'not seen',
      mitigations: {},
    });
    assert.deepEqual(Object.keys(unavailable), ['command_line', 'governor', 'turbo', 'smt']);
    assert.match(unavailable['turbo'] ?? '', /no_turbo and .*boost cannot be read/);
  });

  it('has every sysctl, or why it has not', async () => {
    const host = await captureEnvironment(localHost());
    assert.notEqual(host.sysctls['net.ipv4.tcp_rmem'], undefined);
    const nowhere = await captureEnvironment({ ...localHost(), prefix: ['false'] });
    assert.deepEqual(nowhere.sysctls, {});
    assert.match(
      nowhere.unavailable?.['sysctl net.ipv4.tcp_rmem'] ?? '',
      /\/proc\/sys\/net\/ipv4\/tcp_rmem cannot be read/,
    );
  });
});
