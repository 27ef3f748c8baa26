/** The configurations that drivers write, and what they say of a host that lacks something. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { buildGo } from '../../src/machine/forwarders/drivers/go-build.js';
import { buildOf } from '../../src/machine/forwarders/drivers/nginx.js';
import { needs } from '../../src/machine/forwarders/drivers/driver-program.js';
import type { CommandSpec } from '../../src/machine/forwarders/kind.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { PLAIN_STREAM } from '../../src/experiment/workload/schema.js';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { writeProgram } from '../support/tree.js';

function kindOf(use: string) {
  const kind = forwarderKinds.get(use);
  assert.ok(kind !== undefined);
  return kind;
}

async function specOf(use: string, options: Record<string, unknown> = {}): Promise<CommandSpec> {
  const { runner, options: schema } = kindOf(use);
  assert.ok(runner.kind === 'command');
  return runner.command(schema.parse(options));
}

async function haproxyConfiguration(options: Record<string, unknown>): Promise<string> {
  return (await specOf('haproxy', options)).files['haproxy.cfg'] ?? '';
}

/** Makes programs with these contents the only ones that are found, without further folders. */
function onlyPrograms(t: TestContext, programs: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'splicebench-unit-'));
  for (const [name, script] of Object.entries(programs)) {
    writeProgram(folder, name, script);
  }
  const before = process.env['PATH'];
  process.env['PATH'] = folder;
  t.after(() => {
    process.env['PATH'] = before;
    rmSync(folder, { recursive: true });
  });
  return folder;
}

describe('haproxy', () => {
  it('writes nothing about splicing and sizes unless asked', async () => {
    const text = await haproxyConfiguration({});
    assert.doesNotMatch(text, /splice|tune\./);
    assert.match(text, /^ +nbthread 1$/m);
    assert.match(text, /^ +bind \{listen.host\}:\{listen.port\}$/m);
  });

  for (const [splice, lines] of [
    ['auto', ['option splice-auto']],
    ['request', ['option splice-request']],
    ['response', ['option splice-response']],
    ['both', ['option splice-request', 'option splice-response']],
  ] as const) {
    it(`splice: ${splice}`, async () => {
      const text = await haproxyConfiguration({ splice });
      const found = text.split('\n').filter((line) => line.includes('splice'));
      assert.deepEqual(
        found.map((line) => line.trim()),
        lines,
      );
    });
  }

  it('takes sizes, threads and nosplice', async () => {
    const options = { nosplice: true, bufsize: '64KiB', pipesize: '1MiB', threads: 2 };
    const text = await haproxyConfiguration(options);
    for (const line of ['nosplice', 'tune.bufsize 65536', 'tune.pipesize 1048576', 'nbthread 2']) {
      assert.match(text, new RegExp(`^ +${line}$`, 'm'));
    }
  });

  it('sends a header of the PROXY protocol where asked', async () => {
    const server = async (options: Record<string, unknown>) =>
      /^ +server upstream \S+(.*)$/m.exec(await haproxyConfiguration(options))?.[1];
    assert.equal(await server({}), '');
    assert.equal(await server({ 'proxy-protocol': 'v1' }), ' send-proxy');
    assert.equal(await server({ 'proxy-protocol': 'v2' }), ' send-proxy-v2');
  });

  it('refuses what it does not know', async () => {
    await assert.rejects(specOf('haproxy', { splice: 'yes' }));
    await assert.rejects(specOf('haproxy', { pipe: '1MiB' }));
  });

  it('zero-copy forwarding is switched off where there is any', async (t) => {
    assert.match(
      await haproxyConfiguration({ 'zero-copy': false }),
      /^ +tune\.disable-zero-copy-f/m,
    );
    assert.doesNotMatch(await haproxyConfiguration({}), /zero-copy/);
    onlyPrograms(t, { haproxy: 'echo HAProxy version 2.6.12-1 2026/10/17' });
    const reason = await kindOf('haproxy').unavailable({ 'zero-copy': false });
    assert.match(reason ?? '', /came with HAProxy 2\.9, and this one is 2\.6\.12-1/);
  });

  it('and a newer one has it', async (t) => {
    onlyPrograms(t, { haproxy: 'echo HAProxy version 3.2.26-1 2026/10/17' });
    assert.equal(await kindOf('haproxy').unavailable({ 'zero-copy': false }), null);
  });

  it('a build without splice can copy, but not splice', async (t) => {
    onlyPrograms(t, { haproxy: "echo 'Feature list : +EPOLL -LINUX_SPLICE +THREAD'" });
    assert.equal(await kindOf('haproxy').unavailable({}), null);
    assert.match(
      (await kindOf('haproxy').unavailable({ splice: 'auto' })) ?? '',
      /built without splice/,
    );
  });
});

describe('proxy-protocol', () => {
  const refusal = (use: string, prefix: 'proxy-v1' | 'proxy-v2' | null, options = {}) =>
    kindOf(use).refuses({ ...PLAIN_STREAM, prefix }, options);

  it('goes with a workload that declares the same version, and with no other', () => {
    for (const use of ['haproxy', 'nginx']) {
      assert.equal(refusal(use, null), null);
      assert.equal(refusal(use, 'proxy-v1', { 'proxy-protocol': 'v1' }), null);
      assert.match(refusal(use, null, { 'proxy-protocol': 'v1' }) ?? '', /declares no prefix/);
      const other = refusal(use, 'proxy-v2', { 'proxy-protocol': 'v1' });
      assert.match(other ?? '', /declares proxy-v2 \(workload.prefix: proxy-v1\)$/);
    }
    assert.equal(refusal('haproxy', 'proxy-v2', { 'proxy-protocol': 'v2' }), null);
    assert.throws(() => refusal('nginx', 'proxy-v2', { 'proxy-protocol': 'v2' }));
  });

  it('nobody sends it where there is no forwarder', () => {
    assert.equal(refusal('direct', null), null);
    assert.match(refusal('direct', 'proxy-v1') ?? '', /nobody sends a PROXY header/);
  });
});

describe('nginx', () => {
  function refusalOf(printed: string, exists: (path: string) => boolean): string {
    const build = buildOf(printed, exists);
    assert.ok(typeof build === 'string');
    return build;
  }
  const debian =
    "nginx version: nginx/1.22.1\nconfigure arguments: --with-cc-opt='-g' --modules-path=/m --with-stream=dynamic --with-stream_geoip_module=dynamic";

  it('loads the stream module where it is a file of its own', () => {
    const build = buildOf(debian, (path) => path === '/m/ngx_stream_module.so');
    assert.deepEqual(build, {
      load: 'load_module /m/ngx_stream_module.so;',
      halfClose: true,
      options: ['-e', 'stderr'],
    });
  });

  it('names the package when that file is missing', () => {
    assert.match(
      refusalOf(debian, () => false),
      /\(apt-get install libnginx-mod-stream\)$/,
    );
  });

  it('needs no module where it is built in, and an old one neither half-closes nor knows -e', () => {
    const printed = 'nginx version: nginx/1.18.0\nconfigure arguments: --with-stream --with-http';
    assert.deepEqual(
      buildOf(printed, () => false),
      { load: '', halfClose: false, options: [] },
    );
  });

  it('says when there is none at all', () => {
    const printed = 'nginx version: nginx/1.24.0\nconfigure arguments: --with-stream_ssl_module';
    assert.match(
      refusalOf(printed, () => true),
      /without the stream module/,
    );
  });
});

describe('socat, ncat and node-pipe', () => {
  it('socat keeps the other direction when one has ended', async () => {
    const { argv } = await specOf('socat', { buffer: '256KiB' });
    assert.deepEqual(argv.slice(0, 5), ['socat', '-b', '262144', '-t', '86400']);
    assert.ok((await specOf('socat')).argv.every((word) => word !== '-b'));
  });

  it('ncat refuses what it cannot do', () => {
    const { cells } = parseScenario('{name: t, forwarders: [ncat]}', 't.yaml', forwarderKinds);
    const workload = cells[0]?.workload;
    assert.ok(workload?.kind === 'stream');
    const { refuses } = kindOf('ncat');
    assert.equal(refuses(workload, {}), null);
    assert.match(refuses({ ...workload, connections: 2 }, {}) ?? '', /one connection/);
    assert.match(refuses({ ...workload, direction: 'both' }, {}) ?? '', /downloads only/);
  });

  for (const use of ['poc', 'ncat']) {
    it(`${use} takes no part in http and exchanges: it carries no requests`, () => {
      const { refuses } = kindOf(use);
      for (const kind of ['http', 'exchange']) {
        const text = `{name: t, forwarders: [copy], workload: {kind: ${kind}, connections: 1}}`;
        const workload = parseScenario(text, 't.yaml', forwarderKinds).cells[0]?.workload;
        assert.ok(workload?.kind === kind);
        assert.match(refuses(workload, {}) ?? '', /downloads only/);
      }
    });
  }

  it('node-pipe is a program of this package, in a process of its own', async () => {
    const { argv } = await specOf('node-pipe', { buffer: '1MiB' });
    assert.equal(argv[0], process.execPath);
    assert.match(argv[1] ?? '', /node-pipe-program\.js$/);
    assert.equal(argv.at(-1), '1048576');
  });
});

describe('a program that is absent', () => {
  it('socat: says how to get it', async (t) => {
    onlyPrograms(t, {});
    assert.equal(await kindOf('socat').unavailable({}), 'socat not found (apt-get install socat)');
  });

  it('any program: says how to get it, and is found where it is', async () => {
    assert.equal(
      await needs('no-such-proxy', 'its-package')({}),
      'no-such-proxy not found (apt-get install its-package)',
    );
    assert.equal(await needs('sh')({}), null);
  });

  it('go: says how to get it', async (t) => {
    const folder = onlyPrograms(t, {});
    assert.deepEqual(await buildGo('forward.go', folder), {
      kind: 'unavailable',
      reason: 'go not found (apt-get install golang-go)',
    });
  });
});

describe('building the Go program', () => {
  const GO = 'if [ "$1" = version ]; then echo go version go9; exit; fi\n';

  it('builds once per source and toolchain', async (t) => {
    const folder = onlyPrograms(t, { go: `${GO}echo built >>"$0.log"; echo program >"$3"` });
    const source = join(folder, 'forward.go');
    writeFileSync(source, 'package main');
    const cache = join(folder, 'cache');
    const first = await buildGo(source, cache);
    assert.ok(first.kind === 'built');
    assert.equal(first.version, 'go version go9');
    assert.deepEqual(await buildGo(source, cache), first);
    assert.equal(readdirSync(cache).length, 1);
    writeFileSync(source, 'package main // changed');
    const second = await buildGo(source, cache);
    assert.ok(second.kind === 'built' && second.path !== first.path);
  });

  it('a build that fails is unavailable with what the compiler said, and leaves nothing', async (t) => {
    const script = `${GO}echo torn >"$3"; echo '# command-line-arguments' >&2; echo './forward.go:1:1: expected package' >&2; exit 1`;
    const folder = onlyPrograms(t, { go: script });
    const source = join(folder, 'forward.go');
    writeFileSync(source, 'no go');
    const built = await buildGo(source, join(folder, 'cache'));
    assert.ok(built.kind === 'unavailable');
    assert.match(built.reason, /forward\.go: \.\/forward\.go:1:1: expected package$/);
    assert.deepEqual(readdirSync(join(folder, 'cache')), []);
  });
});
