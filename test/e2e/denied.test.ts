/** Features denied by the host: the forwarder is unavailable, by name of what is missing; never a failure. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { run, splicebench } from '../support/process.js';
import { requireMechanism, requireRoot, requireTools } from '../support/require-tool.js';

/** Root without any capability, and without the means to get one. */
const POWERLESS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];

/** Makes io_uring_setup (425 everywhere) fail with EPERM, as container runtimes do; then execs. */
const WITHOUT_URING = [
  'python3',
  '-c',
  `
import ctypes, os, struct, sys
op = lambda code, k, yes=0, no=0: struct.pack('HBBI', code, yes, no, k)
code = op(0x20, 0) + op(0x15, 425, 0, 1) + op(0x06, 0x50001) + op(0x06, 0x7fff0000)
filter = ctypes.create_string_buffer(code)
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
program = Program(len(code) // 8, ctypes.addressof(filter))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
    sys.exit('seccomp: ' + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
`,
];

/** A run of some forwarders in an environment that denies something. */
async function runDenied(t: TestContext, prefix: readonly string[], forwarders: string[]) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: { seconds: '200ms', warmup: 0 },
    forwarders,
    blocks: { min: 1, max: 1 },
  });
  const out = join(folder, 'run');
  const argv = [...prefix, ...splicebench('run', scenario, '--out', out)];
  const { code, stderr } = await run(t, argv);
  return { code, stderr: stderr.replace(/\s+/g, ' '), out };
}

describe('a feature that is denied', () => {
  const bpf = requireTools('setpriv').skip || requireRoot().skip;
  const skipBpf = bpf || requireMechanism('sockmap').skip;
  it('bpf, by capabilities: sockmap is left out, the others run', { skip: skipBpf }, async (t) => {
    const { code, stderr, out } = await runDenied(t, POWERLESS, ['copy', 'sockmap']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /sockmap.*bpf.*Operation not permitted.*CAP_BPF and CAP_NET_ADMIN/);
    assert.deepEqual(
      storedTrials(out).map(({ forwarder, outcome }) => `${forwarder} ${outcome}`),
      ['copy intact'],
    );
  });

  it('bpf, and nothing else was asked for: exit code 1', { skip: skipBpf }, async (t) => {
    const { code, stderr } = await runDenied(t, POWERLESS, ['sockmap']);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /CAP_BPF/);
  });

  const skip = requireTools('python3').skip || requireMechanism('uring-copy').skip;
  it('io_uring, by seccomp: the three are left out, the others run', { skip }, async (t) => {
    const names = ['uring-copy', 'uring-zerocopy', 'uring-splice'];
    const { code, stderr, out } = await runDenied(t, WITHOUT_URING, ['copy', ...names]);
    assert.equal(code, 0, stderr);
    for (const name of names) {
      assert.match(stderr, new RegExp(`${name}.*io_uring is (forbidden|disabled)`));
    }
    assert.deepEqual(
      storedTrials(out).map(({ forwarder }) => forwarder),
      ['copy'],
    );
  });
});
