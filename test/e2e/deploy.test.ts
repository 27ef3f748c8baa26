/** deploy and doctor on several hosts, over real sshd in namespaces with folders of their own. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { LabHosts, PARTS } from '../support/lab-hosts.js';
import { ROOT, run, splicebench } from '../support/process.js';
import { requireRoot, requireTool, requireTools } from '../support/require-tool.js';

const tools = requireTools('ssh', 'sshd', 'ssh-keygen', 'ip', 'ss', 'unshare', 'nsenter', 'tar');
const skip = tools.skip || requireRoot().skip;

describe('deploy', { skip }, () => {
  const lab = new LabHosts();
  before(() => lab.start());
  after(() => lab.end());

  const prefixes = PARTS.flatMap((part) => ['--prefix', `ssh -F ${lab.config} ${part}`]);
  const put = (part: (typeof PARTS)[number]) => join(lab.cache(part), 'splicebench', 'deployed');

  it('puts the package there, which then runs, is examined, and can be removed', async (t) => {
    const deployed = await run(t, lab.control(...splicebench('deploy', ...prefixes)));
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.match(
      deployed.stdout,
      /ssh .* sink: splicebench \S+ in .*cache-sink.*, the addon as it/,
    );
    for (const part of PARTS) assert.equal(readdirSync(put(part)).length, 1, part);

    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      topology: {
        kind: 'hosts',
        // What is not said is what deploy has put there.
        ...Object.fromEntries(PARTS.map((part): [string, unknown] => [part, lab.ssh(part)])),
      },
      workload: { seconds: '300ms', warmup: '100ms' },
      forwarders: ['node-pipe'],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const ran = await run(t, lab.control(...splicebench('run', scenario, '--out', out)));
    assert.equal(ran.code, 0, ran.stderr);
    const [trial] = storedTrials(out);
    assert.equal(trial?.outcome, 'intact');

    const examined = await run(t, lab.control(...splicebench('doctor', scenario, '--json')));
    assert.equal(examined.code, 0, examined.stderr);
    const { hosts } = JSON.parse(examined.stdout) as {
      hosts: { name: string; found: { facts: { cpus: number[] } } | null }[];
    };
    assert.deepEqual(
      hosts.map(({ name }) => name),
      PARTS.map((part) => `${part} (ssh ${part})`),
    );
    for (const { found } of hosts) assert.ok((found?.facts.cpus.length ?? 0) > 0);

    const removed = await run(t, lab.control(...splicebench('deploy', '--remove', ...prefixes)));
    assert.equal(removed.code, 0, removed.stderr);
    for (const part of PARTS) assert.equal(existsSync(put(part)), false, part);
    const again = await run(t, lab.control(...splicebench('deploy', '--remove', ...prefixes)));
    assert.match(again.stdout, /sink: nothing was there/);

    // The doctor says of each host why it cannot be examined, and fails.
    const absent = await run(t, lab.control(...splicebench('doctor', scenario)));
    assert.equal(absent.code, 1, absent.stdout);
    assert.match(absent.stdout, /unavailable: sink .*has no splicebench/);
    await lab.assertNothingLeft();
  });

  it('does not wait for a host that takes the login and then says nothing', async (t) => {
    // As a shell that hangs in its profile: it reads nothing, and what it started holds its output.
    const mute = join(scratch(t), 'mute');
    writeFileSync(mute, '#!/bin/sh\nsleep 300 &\nwait\n', { mode: 0o755 });
    for (const more of [[], ['--remove']]) {
      const { code, stdout, stderr } = await run(
        t,
        splicebench('deploy', '--prefix', mute, ...more),
      );
      assert.equal(code, 1, stdout);
      assert.match(
        stdout + stderr,
        /mute: .*no answer within 10 s; see whether `.*mute sh -c true` ends/,
      );
    }
  });

  it('says what is missing there, and leaves what there was', async (t) => {
    const nowhere = ['env', '-i', `HOME=${lab.folder}`, 'PATH=/nowhere', '/bin/sh'];
    // A host on which sh is all there is.
    const bare = join(lab.folder, 'bare');
    const script = `#!/bin/sh\nshift\nexec ${nowhere.join(' ')} "$@"\n`;
    writeFileSync(bare, script, { mode: 0o755 });
    const without = await run(
      t,
      splicebench('deploy', '--prefix', bare, '--prefix', 'no-such-program'),
    );
    assert.equal(without.code, 1);
    assert.match(
      without.stderr,
      /^splicebench: \S*bare: node: not found; install node 20 or newer$/m,
    );
    assert.match(without.stderr, /^splicebench: no-such-program: .*ENOENT$/m);
    assert.equal(existsSync(join(lab.folder, '.cache')), false);
    const usage = await run(t, splicebench('deploy'));
    assert.equal(usage.code, 2);
  });
});

const builders = requireTools('tar', 'make', 'g++', 'python3', 'npm');

describe('deploy to a host on which the addon does not load', { skip: builders.skip }, () => {
  /** A prefix, and where what it runs finds its programs first and keeps its caches. */
  function stranger(t: TestContext): { prefix: string; programs: string; root: string } {
    const folder = scratch(t);
    const programs = join(folder, 'bin');
    const cache = join(folder, 'cache');
    const prefix = join(folder, 'prefix');
    mkdirSync(programs);
    const setting = `PATH='${programs}':"$PATH" XDG_CACHE_HOME='${cache}'`;
    writeFileSync(prefix, `#!/bin/sh\n${setting} exec "$@"\n`, { mode: 0o755 });
    // As on another architecture: of what is unpacked, this one file is of no use.
    const addon = '"$4"/native/build/Release/splicebench.node';
    program(programs, 'tar', `'${requireTool('tar').path}' "$@" && echo other >${addon}`);
    return { prefix, programs, root: join(cache, 'splicebench', 'deployed') };
  }

  function program(folder: string, name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /**
   * A compiler that preprocesses everything, so that a header that was not put there is missed, and then
   * takes the object of this package's own build where the source is the same: a whole compile of what
   * has just been compiled shows nothing more, and takes minutes. Tells in `log` which it did.
   */
  function quickCompiler(programs: string, log: string): void {
    // Its own folder is no longer in the path: a caching compiler looks there for the one behind it.
    const script = `real='${requireTool('g++').path}' built='${ROOT}/native/build'
export PATH="$(printf %s "$PATH" | tr : '\\n' | grep -vxF '${programs}' | paste -sd :)"
for word; do
  case $before in -o) object=$word ;; esac
  case $word in *.cc) source=$word ;; esac
  before=$word
done
if [ -n "$source" ] && [ -e "$built/$object" ] && cmp -s "$source" "$built/$source"; then
  "$real" "$@" -E && cp "$built/$object" "$object" && echo taken >>'${log}'
else
  "$real" "$@" && echo compiled >>'${log}'
fi`;
    program(programs, 'g++', script);
  }

  it('builds it there', async (t) => {
    const { prefix, programs, root } = stranger(t);
    const log = join(scratch(t), 'log');
    quickCompiler(programs, log);
    // On CPUs that others use too: this is only against a build that hangs.
    const deployed = await run(t, splicebench('deploy', '--prefix', prefix), {
      deadline: 1_200_000,
    });
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.match(deployed.stdout, /prefix: splicebench \S+ in .*, the addon built there/);
    const [version = ''] = readdirSync(root);
    const main = join(root, version, 'dist', 'src', 'cli', 'main.js');
    const listed = await run(t, [process.execPath, main, 'list', '--json']);
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /"splice"/);
    const done = readFileSync(log, 'utf8').trim().split('\n');
    assert.ok(done.includes('taken') && done.includes('compiled'), done.join());
  });

  it('says that the build failed, and leaves what there was', async (t) => {
    const { prefix, programs, root } = stranger(t);
    program(programs, 'make', 'echo "make: fatal error: no compiler here" >&2; exit 1');
    mkdirSync(join(root, 'earlier'), { recursive: true });
    const { code, stderr } = await run(t, splicebench('deploy', '--prefix', prefix));
    assert.equal(code, 1);
    assert.match(stderr, /prefix: the addon does not load, and its build failed: .*error/);
    assert.deepEqual(readdirSync(root), ['earlier']);
  });
});
