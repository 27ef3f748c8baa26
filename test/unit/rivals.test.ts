/** `make rivals`: what it says where nothing can be fetched. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import { writeProgram } from '../support/tree.js';

/** Runs the script with an apt-get of our own. */
function rivals(t: TestContext, release: string, apt: string) {
  const folder = mkdtempSync(join(tmpdir(), 'splicebench-unit-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, script] of Object.entries({ 'apt-get': apt, dpkg: '', 'dpkg-deb': '' })) {
    writeProgram(folder, name, script);
  }
  writeFileSync(join(folder, 'os-release'), release);
  const script = join(packageRoot(), '.ci', 'rivals.sh');
  const { status, stdout, stderr } = spawnSync('sh', [script, join(folder, 'rivals')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${folder}:/usr/bin:/bin`,
      OS_RELEASE: join(folder, 'os-release'),
    },
  });
  return { status, stdout, stderr, folder };
}

const DEBIAN = 'NAME="A"\nID=debian\nVERSION_CODENAME=old\n';
const MIRROR =
  'case "$*" in indextargets*) echo other http://x/; echo old http://mirror/a/; exit;; esac';

describe('make rivals', () => {
  it('offline: one line, with what apt said', (t) => {
    const apt = `${MIRROR}\necho 'W: Could not resolve the mirror' >&2; exit 100`;
    const { status, stdout, stderr, folder } = rivals(t, DEBIAN, apt);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.equal(
      stderr,
      'rivals: the mirror of this system does not answer (is this machine offline?): W: Could not resolve the mirror\n',
    );
    // The system's own mirror, another suite.
    assert.match(
      readFileSync(join(folder, 'rivals', 'apt', 'sources.list'), 'utf8'),
      /^deb .*http:\/\/mirror\/a\/ testing main\n$/,
    );
  });

  it('no mirror, no such package, another distribution: each says so', (t) => {
    const none = rivals(t, DEBIAN, 'exit 0');
    assert.match(none.stderr, /^rivals: no mirror of 'old' in this system's sources/);
    const missing = `${MIRROR}\ncase "$*" in *install*) echo 'E: Unable to locate package haproxy' >&2; exit 100;; esac`;
    assert.match(
      rivals(t, DEBIAN, missing).stderr,
      /^rivals: packages of testing could not be fetched: E: Unable to locate package haproxy\n$/,
    );
    assert.match(rivals(t, 'ID=arch\n', MIRROR).stderr, /only Debian and Ubuntu are supported/);
  });
});
