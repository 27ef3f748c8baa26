/** The role `command` by itself: how programs end, what outlives them, other addresses, other users. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLAIN_COMMAND } from '../../src/machine/forwarders/command.js';
import type { CommandSpec } from '../../src/machine/forwarders/kind.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { type Host, localHost } from '../../src/machine/host/host.js';
import { RoleClient } from '../../src/machine/role/client.js';
import { assertNothingLeft, markedProcesses, MARK } from '../support/leaks.js';
import { killById, until } from '../support/process.js';
import { requireRoot, requireTool } from '../support/require-tool.js';

/** An unprivileged user, where this is root's process. */
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const USERS: [string, Host, string | false][] = [
  ['this user', localHost(), false],
  ['an unprivileged user', { ...localHost(), prefix: NOBODY }, requireRoot().skip],
];

const LISTEN =
  'require("net").createServer((a) => a.pipe(a)).listen(+process.argv[1], "127.0.0.1")';

async function started(t: TestContext, host: Host, spec: CommandSpec, address = '127.0.0.1') {
  const role = RoleClient.start(host, 'command');
  t.after(() => role.close());
  const listen = { host: address, port: await role.ask('freePort', address) };
  const upstream = createServer((socket) => socket.pipe(socket)).listen(0, address);
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const at = upstream.address();
  assert.ok(at !== null && typeof at !== 'string');
  const places = { listen, upstream: { host: address, port: at.port } };
  const { version } = await role.ask('open', { spec, places, cpus: [], strace: false }, 20);
  return { role, listen, version };
}

function program(script: string, change: Partial<CommandSpec> = {}): CommandSpec {
  const argv = [process.execPath, '-e', script, '{listen.port}'];
  return { ...PLAIN_COMMAND, argv, versionArgv: null, ...change };
}

describe('how a program ends', () => {
  for (const [who, host, skip] of USERS) {
    it(`${who}: by SIGTERM, without a handler of its own`, { skip }, async (t) => {
      const { role } = await started(t, host, program(LISTEN));
      assert.equal(await role.ask('stop'), 'signal SIGTERM');
    });

    it(`${who}: by SIGKILL when it will not`, { skip }, async (t) => {
      const script = `process.on("SIGTERM", () => {}); ${LISTEN}`;
      const { role } = await started(t, host, program(script));
      assert.equal(await role.ask('stop'), 'signal SIGKILL');
    });

    it(`${who}: with the exit code of its handler`, { skip }, async (t) => {
      const script = `process.on("SIGTERM", () => process.exit(7)); ${LISTEN}`;
      const { role } = await started(t, host, program(script));
      assert.equal(await role.ask('stop'), 'exit code 7');
    });

    for (const leaves of [false, true]) {
      const what = leaves ? 'of a program that has left' : 'of one that lives';
      it(`${who}: no child in a session of its own ${what} is left`, { skip }, async (t) => {
        const mark = randomUUID();
        const leave = 'process.on("SIGUSR2", () => process.exit(0));';
        const spawn =
          'require("child_process").spawn("setsid", ["sleep", "300"], { detached: true, stdio: "ignore" })';
        const script = `${spawn}.unref(); ${leave} ${LISTEN}`;
        const { role } = await started(t, host, program(script, { env: { [MARK]: mark } }));
        const forked = () => markedProcesses(mark).some(({ command }) => command[0] === 'sleep');
        await until('the child', forked);
        // Trials ask at both ends of the window.
        await role.ask('memory');
        if (leaves) {
          const own = markedProcesses(mark).find(({ command }) => command[0] === process.execPath);
          assert.ok(own);
          killById(own.pid, 'SIGUSR2');
          while ((await role.ask('mark')).alive) await sleep(20);
        }
        await role.ask('stop');
        await assertNothingLeft(mark, new Set());
      });
    }
  }
});

describe('over IPv6', () => {
  for (const use of ['haproxy', 'nginx', 'socat', 'go'] as const) {
    it(`${use} listens on ::1 and connects to ::1`, { skip: requireTool(use).skip }, async (t) => {
      const kind = forwarderKinds.get(use);
      assert.ok(kind?.runner.kind === 'command');
      const spec = await kind.runner.command(kind.options.parse({}));
      const { listen } = await started(t, localHost(), spec, '::1');
      const socket = connect(listen.port, listen.host);
      t.after(() => socket.destroy());
      socket.write('there and back');
      const [data] = (await once(socket, 'data')) as [Buffer];
      assert.equal(data.toString(), 'there and back');
    });
  }
});

describe('what is asked about a program', () => {
  it('is asked in its folder and its environment', async (t) => {
    const { version } = await started(
      t,
      localHost(),
      program(LISTEN, {
        cwd: '{dir}',
        env: { ANSWER: '42' },
        files: { word: 'version {listen.port}' },
        probe: { kind: 'command', argv: ['sh', '-c', 'test "$ANSWER" = 42 && test -f word'] },
        versionArgv: ['sh', '-c', 'cat word; echo " of $ANSWER {listen.host}"'],
      }),
    );
    assert.match(version ?? '', /^version \d+ of 42 127\.0\.0\.1$/);
  });
});
