import type { RoleName } from '../machine/role/protocol.js';
import { serveRole } from '../machine/role/serve.js';
import { UsageError } from '../base/errors/errors.js';

const ROLES: readonly RoleName[] = [
  'source',
  'sink',
  'exchange',
  'churn',
  'origin',
  'load',
  'forwarder',
  'command',
  'network',
  'ports',
  'decoy',
  'observer',
  'script',
];

/** `splicebench role NAME`: serves one role over standard input and output. Not for people. */
export async function roleCommand(argv: readonly string[]): Promise<void> {
  const name = ROLES.find((role) => role === argv[0]);
  if (name === undefined) {
    throw new UsageError(`role: expected one of ${ROLES.join(', ')}, got '${argv[0] ?? ''}'`);
  }
  await serveRole(name, leaseIn(argv.slice(1)));
}

/** Seconds of `--lease SECONDS`; null without it. */
function leaseIn([option, value]: readonly string[]): number | null {
  if (option === undefined) return null;
  const seconds = Number(value);
  if (option === '--lease' && seconds > 0) return seconds;
  throw new UsageError(`role: expected --lease SECONDS, got '${option} ${value ?? ''}'`);
}
