/** `program:` and `config:` of drivers: what is read of the user's files, what is started, what it is called. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { globalAndDefaults, modeOf } from '../../src/machine/forwarders/drivers/haproxy-config.js';
import { parseNginx, settingsOfNginx } from '../../src/machine/forwarders/drivers/nginx-config.js';
import type { CommandSpec } from '../../src/machine/forwarders/kind.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';

/** A folder with these files; what begins with #! may be executed. */
function folderWith(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'splicebench-unit-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    if (text.startsWith('#!')) chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function parsed(forwarders: unknown[], more: Record<string, unknown> = {}) {
  const text = JSON.stringify({ name: 't', forwarders, ...more });
  return parseScenario(text, 't.yaml', forwarderKinds);
}

async function specOf(entry: Record<string, unknown>): Promise<CommandSpec> {
  const [made] = parsed([entry]).forwarders;
  const runner = forwarderKinds.get(made?.use ?? '')?.runner;
  assert.ok(made !== undefined && runner?.kind === 'command');
  return runner.command(made.options);
}

const says = (text: string) => `#!/bin/sh\necho '${text}'\n`;

describe('program', () => {
  it('two versions side by side carry their versions in their labels', (t) => {
    const folder = folderWith(t, {
      old: says('HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/'),
      new: says('HAProxy version 3.2.26-1 2026/11/01 - https://haproxy.org/'),
    });
    const program = (name: string) => join(folder, name);
    const { forwarders } = parsed([
      'haproxy',
      { use: 'haproxy', program: program('old') },
      { use: 'haproxy', program: program('new') },
      { use: 'haproxy', program: program('new'), splice: 'both' },
    ]);
    assert.deepEqual(
      forwarders.map(({ label }) => label),
      ['haproxy', 'haproxy 2.6.12', 'haproxy 3.2.26', 'haproxy 3.2.26(splice=both)'],
    );
  });

  for (const [use, said, version] of [
    ['nginx', 'nginx version: nginx/1.30.6', '1.30.6'],
    ['socat', 'socat by G. R.\nsocat version 1.7.4.4 on 06 Nov 2022', '1.7.4.4'],
    ['ncat', 'Ncat: Version 7.93 ( https://nmap.org/ncat )', '7.93'],
    ['go', 'go version go1.24.4 linux/amd64', '1.24.4'],
    ['node-pipe', 'v22.1.0', '22.1.0'],
    ['haproxy', 'HAProxy version 3.4-dev5-abc 2026/01/01', '3.4-dev5'],
  ] as const) {
    it(`${use}: its version is ${version}`, (t) => {
      const program = join(folderWith(t, { it: says(said) }), 'it');
      assert.equal(parsed([{ use, program }]).forwarders[0]?.label, `${use} ${version}`);
    });
  }

  it('two programs that say the same are told apart by their paths; a name is left alone', (t) => {
    const folder = folderWith(t, { a: says('nginx/1.2.3'), b: says('nginx/1.2.3') });
    const { forwarders } = parsed([
      { use: 'nginx', program: join(folder, 'a') },
      { use: 'nginx', program: join(folder, 'b') },
      { use: 'nginx', program: join(folder, 'b'), name: 'mine' },
    ]);
    assert.deepEqual(
      forwarders.map(({ label }) => label),
      [`nginx 1.2.3(program=${folder}/a)`, `nginx 1.2.3(program=${folder}/b)`, 'mine'],
    );
  });

  it('one that is missing is an error with line and key, unless it is to run on another host', () => {
    const entry = { use: 'haproxy', program: '/no/such/haproxy' };
    assert.throws(() => parsed([entry]), {
      message:
        't.yaml:1: forwarders[0].program: /no/such/haproxy: no such program, or not one that may be executed',
    });
    const host = { ssh: 'far', address: '10.0.0.1' };
    const topology = { kind: 'hosts', source: host, forwarder: host, sink: host };
    assert.equal(parsed([entry], { topology }).forwarders[0]?.label, 'haproxy');
  });

  it('is what is started and asked for its version, also by what a driver starts in turn', async (t) => {
    const program = join(folderWith(t, { "it's": says('?') }), "it's");
    for (const use of ['haproxy', 'socat', 'node-pipe', 'ncat']) {
      const { argv, versionArgv } = await specOf({ use, program });
      assert.equal(argv[0], program);
      assert.ok(versionArgv?.includes(program));
    }
    const { argv } = await specOf({ use: 'ncat', program });
    assert.match(argv.join(' '), /--sh-exec exec '[^']*it'\\''s' --nodns/);
  });
});

describe('config', () => {
  const HAPROXY = [
    '# ours',
    'global',
    '\tmaxconn 100 # few',
    '    stats socket /run/haproxy/admin.sock mode 660 level admin',
    '    daemon',
    '    stats timeout 30s',
    'defaults',
    '    mode\ttcp',
    '    option splice-request',
    'frontend web',
    '    bind :80',
    'defaults',
    '    timeout client 5s',
    'backend servers',
    '    server a 10.0.0.1:80 check',
    '',
  ].join('\n');

  it('haproxy: global and defaults as they are, our listener behind them', async (t) => {
    const config = join(folderWith(t, { 'haproxy.cfg': HAPROXY }), 'haproxy.cfg');
    const { files } = await specOf({ use: 'haproxy', config });
    assert.deepEqual(files['haproxy.cfg']?.split('\n').slice(2), [
      'global',
      '\tmaxconn 100 # few',
      '    stats timeout 30s',
      'defaults',
      '    mode\ttcp',
      '    option splice-request',
      'defaults',
      '    timeout client 5s',
      'listen forward',
      '    bind {listen.host}:{listen.port}',
      '    server upstream {upstream.host}:{upstream.port}',
      '',
    ]);
  });

  it('haproxy: what the entry sets stands in a global section before any other', async (t) => {
    const config = join(folderWith(t, { 'haproxy.cfg': HAPROXY }), 'haproxy.cfg');
    const { files } = await specOf({ use: 'haproxy', config, threads: 4, splice: 'response' });
    assert.match(
      files['haproxy.cfg'] ?? '',
      /30s\nglobal\n {4}nbthread 4\ndefaults\n[^]*listen forward\n {4}option splice-response\n/,
    );
  });

  it('haproxy: conditions keep their ends, and the last defaults say the mode', () => {
    assert.deepEqual(globalAndDefaults('.if a\nlisten x\n bind :1\n.endif\nglobal\n tune.x 1'), [
      '.if a',
      '.endif',
      'global',
      ' tune.x 1',
    ]);
    assert.equal(modeOf(['defaults', ' mode http']), 'http');
    assert.equal(modeOf(['defaults', ' mode http', 'defaults', ' retries 3']), 'tcp');
  });

  it('haproxy: mode http takes part in http alone', (t) => {
    const config = join(folderWith(t, { 'h.cfg': 'defaults\n mode http\n' }), 'h.cfg');
    const { forwarders, cells } = parsed([{ use: 'haproxy', config }]);
    const workload = cells[0]?.workload;
    assert.ok(workload !== undefined);
    const refuses = forwarderKinds.get('haproxy')?.refuses;
    assert.ok(refuses !== undefined);
    assert.match(refuses(workload, forwarders[0]?.options ?? {}) ?? '', /h\.cfg says 'mode http'/);
    assert.equal(refuses(workload, {}), null);
    const [http] = parsed(['copy'], { workload: { kind: 'http' } }).cells;
    assert.ok(http !== undefined);
    assert.equal(refuses(http.workload, forwarders[0]?.options ?? {}), null);
  });

  const NGINX = [
    'user www-data; worker_processes 3;',
    'pid /run/nginx.pid; # ours',
    'include modules-enabled/*.conf;',
    'error_log /var/log/nginx/error.log;',
    'events { worker_connections 768; multi_accept on; }',
    'http { server { listen 80; } }',
    'stream {',
    '  upstream them { server 10.0.0.1:80; }',
    '  map $remote_addr $x { default "a;}{"; }',
    '  proxy_protocol on; proxy_buffer_size 32k;',
    '  server { listen 1; proxy_pass them; }',
    '}',
  ].join('\n');

  it('nginx: main and stream settings as they are, our server behind them', (t) => {
    const path = join(folderWith(t, {}), 'nginx.conf');
    assert.deepEqual(settingsOfNginx({ path, text: NGINX }, new Set(['worker_processes'])), {
      main: [
        'user www-data;',
        `include ${path.replace('nginx.conf', 'modules-enabled/*.conf')};`,
        'events { worker_connections 768; multi_accept on; }',
      ],
      stream: [
        'map $remote_addr $x { default "a;}{"; }',
        'proxy_protocol on;',
        'proxy_buffer_size 32k;',
      ],
      loadsModules: true,
    });
  });

  it('nginx: braces that do not match are said', () => {
    assert.throws(() => parseNginx('stream { a b;'), /ends within/);
    assert.throws(() => parseNginx('a b; }'), /unexpected '}'/);
    assert.throws(() => parseNginx('a b'), /ends within/);
  });

  it('is kept in the plan, and not read again', async (t) => {
    const config = join(folderWith(t, { 'h.cfg': 'global\n maxconn 7\n' }), 'h.cfg');
    const [entry] = parsed([{ use: 'haproxy', config }]).forwarders;
    writeFileSync(config, 'global\n maxconn 8\n');
    const runner = forwarderKinds.get('haproxy')?.runner;
    assert.ok(entry !== undefined && runner?.kind === 'command');
    const stored = JSON.parse(JSON.stringify(entry.options)) as Record<string, unknown>;
    assert.match((await runner.command(stored)).files['haproxy.cfg'] ?? '', /maxconn 7/);
  });

  it('one that is missing is an error with line and key', () => {
    for (const use of ['haproxy', 'nginx']) {
      assert.throws(() => parsed([{ use, config: '/no/such.cfg' }]), {
        message: 't.yaml:1: forwarders[0].config: /no/such.cfg cannot be read: no such file',
      });
    }
    assert.throws(() => parsed([{ use: 'socat', config: '/no/such.cfg' }]), /unknown key 'config'/);
  });
});
