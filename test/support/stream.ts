/** One stream by hand: `source`, something in between, `sink`. */
import type { TestContext } from 'node:test';
import { BAD_PROXY } from './bad-proxy.js';
import type { BadMode } from './bad-proxy-modes.js';
import type { StoredIncidentLine } from './folder.js';
import { freePort, untilListening } from './ports.js';
import { cli, type Ended, type Running, splicebench, start } from './process.js';

export interface SinkJson {
  bytes: number;
  seconds: number;
  goodput_gbps: number | null;
  outcome: string;
  verified_bytes: number | null;
  incidents: Omit<StoredIncidentLine, 'trial_id' | 'forwarder'>[] | null;
}

/** Starts a source on a free port. */
export async function startSource(
  t: TestContext,
  ...args: string[]
): Promise<{ port: number; source: Running }> {
  const port = await freePort();
  const source = start(
    t,
    splicebench('source', '--listen', `127.0.0.1:${port}`, '--json', ...args),
  );
  await untilListening(source, port);
  return { port, source };
}

/** Starts `forward --json` before an upstream port. */
export async function startForward(
  t: TestContext,
  upstream: number,
  ...args: string[]
): Promise<{ port: number; forward: Running }> {
  const port = await freePort();
  const forward = start(
    t,
    splicebench(
      ...['forward', '--json', '--listen', `127.0.0.1:${port}`],
      ...['--upstream', `127.0.0.1:${upstream}`, ...args],
    ),
  );
  await untilListening(forward, port);
  return { port, forward };
}

/** Starts a proxy that does one thing wrong. */
export async function startBadProxy(
  t: TestContext,
  mode: BadMode,
  upstream: number,
): Promise<number> {
  const port = await freePort();
  const address = ['127.0.0.1', String(port), '127.0.0.1', String(upstream)];
  const proxy = start(t, [process.execPath, BAD_PROXY, mode, ...address]);
  await untilListening(proxy, port);
  return port;
}

/** Runs `sink --json` and reads what it printed; where that is no result, the error has how it ended. */
export async function sinkJson(
  t: TestContext,
  port: number,
  ...args: string[]
): Promise<Ended & { json: SinkJson }> {
  const ended = await cli(t, ['sink', '--connect', `127.0.0.1:${port}`, '--json', ...args]);
  try {
    return { ...ended, json: JSON.parse(ended.stdout) as SinkJson };
  } catch {
    const { code, signal, stdout, stderr } = ended;
    throw new Error(`sink --json, code ${code ?? signal}: ${stdout || 'no result'}\n${stderr}`);
  }
}
