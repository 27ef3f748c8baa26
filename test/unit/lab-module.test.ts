/** What the build of the module with the bug is told, by a make of the test's own; and where modules are looked for. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { NicTopology } from '../../src/data/record/plan.js';
import { topologySchema } from '../../src/experiment/scenario/schema.js';
import { completeTopology } from '../../src/experiment/scenario/topology.js';
import { loadCases, onPorts } from '../../src/tasks/conformance/case.js';
import { buildBugModule } from '../../src/tasks/lab/bug-module.js';
import { GUEST_PACKAGE, packageEntries } from '../../src/tasks/lab/guest-files.js';
import { modulesBeside } from '../../src/tasks/lab/kernel.js';
import { writeProgram } from '../support/tree.js';

const ports = { source: 'port0', forwarder: 'port1', sink: 'port2' };
const PORTS = completeTopology(topologySchema.parse({ kind: 'nic', ports })) as NicTopology;

let folder: string;
const path = process.env['PATH'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'splicebench-lab-test-'));
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true, force: true });
});

/** Headers beside modules, as packages have them. @returns the folder of the modules */
function headers(makefile: string, variables: string, script: string): string {
  const modules = join(folder, 'lib', 'modules', '1');
  mkdirSync(join(modules, 'build'), { recursive: true });
  writeFileSync(join(modules, 'build', 'Makefile'), makefile);
  writeFileSync(join(modules, 'build', '.kernelvariables'), variables);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeProgram(bin, 'make', script);
  process.env['PATH'] = [bin, path].join(delimiter);
  return modules;
}

const BUILDS = `printf '%s\\n' "$@" >"$2/told"; cp "$2/told" "\${3#M=}/splicebench_2008.ko"`;

describe('the module with the bug', () => {
  const build = async (modules: string) => {
    const work = mkdtempSync(join(folder, 'work-'));
    const told = await buildBugModule(modules, work, new AbortController().signal);
    const makefile = readFileSync(join(work, 'objects', 'Makefile'), 'utf8');
    return { told: told.toString().split('\n'), makefile, work };
  };

  it('is built by the compiler that is here where the one of the kernel is not', async () => {
    const absent = 'CC = $(CCACHE) $(CROSS_COMPILE)nowhere-gcc-99\n';
    const { told } = await build(headers('all:\n', absent, BUILDS));
    assert.ok(told.includes('CC=gcc') && told.includes('CONFIG_DEBUG_INFO_BTF_MODULES='));
  });

  it('is built by the compiler of the kernel where nothing is said of it', async () => {
    const { told } = await build(headers('all:\n', '', BUILDS));
    assert.ok(!told.includes('CC=gcc'), told.join(' '));
  });

  it('finds what is generated where the headers say that it is', async () => {
    const said = 'KBUILD_OUTPUT=/usr/src/linux-headers-1\ninclude /usr/src/common/Makefile\n';
    const { makefile, work } = await build(headers(said, '', BUILDS));
    assert.equal(
      makefile,
      `KBUILD_OUTPUT=${join(work, 'objects')}\ninclude /usr/src/common/Makefile\n`,
    );
  });

  it('that does not build says what the compiler said', async () => {
    const modules = headers('all:\n', '', 'echo "x.c:1: error: no such function" >&2; exit 2');
    await assert.rejects(
      build(modules),
      /does not build against .*x\.c:1: error: no such function/,
    );
  });
});

describe("a kernel's modules", () => {
  it('are beside an image that lies among them', () => {
    const own = join(folder, 'usr', 'lib', 'modules', '7.2');
    mkdirSync(join(own, 'kernel'), { recursive: true });
    assert.equal(modulesBeside(join(own, 'vmlinuz')), own);
    assert.equal(modulesBeside(join(folder, 'bzImage')), null);
  });
});

describe("the package in the guest's first file system", () => {
  it('has folders before what is in them, and nothing that nobody loads', () => {
    const entries = packageEntries(['package.json', 'dist/src/cli']);
    const paths = entries.map((entry) => `/${entry.path}`);
    const at = (end: string) => paths.indexOf(join(GUEST_PACKAGE, end));
    assert.ok(at('dist') < at('dist/src') && at('dist/src') < at('dist/src/cli/main.js'));
    assert.ok(at('package.json') > 0);
    assert.ok(!paths.some((one) => one.endsWith('.map') || one.endsWith('.d.ts')));
  });
});

describe('a case of the suite on cards', () => {
  it('has their topology, and few conversations', async () => {
    const [one] = await loadCases(['end-right-behind-connect']);
    const [blank] = await loadCases(['unix-socket-server']);
    assert.ok(one?.play && blank);
    const { play } = onPorts(one, PORTS);
    assert.ok(play !== null);
    assert.deepEqual(play.topology, { ...PORTS, sysctls: one.play.topology.sysctls });
    assert.ok(play.workload.repeat <= 20);
    const bounds = (end: { steps: { within: number }[] }) => end.steps.map(({ within }) => within);
    const own = bounds(one.play.workload.client);
    assert.deepEqual(
      bounds(play.workload.client),
      own.map((within) => 10 * within),
    );
    assert.equal(onPorts(blank, PORTS), blank);
  });

  it('asks the ports for what it asks of its own network, but not for what every port has', async () => {
    const topologyOf = async (name: string) => {
      const [one] = await loadCases([name]);
      return one === undefined ? null : onPorts(one, PORTS).play?.topology;
    };
    const off = { tso: false, gso: false, gro: false };
    assert.deepEqual(await topologyOf('slots-not-bytes'), { ...PORTS, ...off });
    assert.deepEqual(await topologyOf('just-above-the-mss'), PORTS);
    const small = { 'net.ipv4.tcp_wmem': '4096 16384 32768' };
    assert.deepEqual(await topologyOf('burst-and-end-small-buffers'), { ...PORTS, sysctls: small });
  });
});
