import { wordsOf } from '../../base/errors/words.js';
import type { ServedRole } from './served-role.js';
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import type { RoleName } from './protocol.js';

/** How long a role may take to end what it started before the process exits anyway, milliseconds. */
const END_TIMEOUT = 3000;

/**
 * Serves one role on standard input and output until the input closes; then exits the process.
 * @param lease seconds without a word from the orchestrator after which it ends as well: a link that
 *   breaks closes nothing. null = none
 */
export async function serveRole(name: RoleName, lease: number | null = null): Promise<void> {
  const role = await importRole(name);
  const connection = createMessageConnection(
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  );
  for (const [method, handler] of Object.entries(role.handlers)) {
    connection.onRequest(method, (parameters: never) => answer(handler, parameters));
  }
  const end = () => {
    setTimeout(() => process.exit(1), role.endTimeout ?? END_TIMEOUT);
    void Promise.resolve(role.end()).finally(() => process.exit(0));
  };
  connection.onClose(end);
  process.stdin.once('end', end);
  // The terminal's Ctrl-C reaches the whole group; ending is the orchestrator's decision.
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', end);
  connection.onNotification('alive', () => undefined);
  connection.listen();
  if (lease !== null) endWithout(lease, end);
}

/** Calls `end` once the input has been silent for so long. */
function endWithout(seconds: number, end: () => void): void {
  let timer = setTimeout(end, seconds * 1e3);
  process.stdin.on('data', () => {
    clearTimeout(timer);
    timer = setTimeout(end, seconds * 1e3);
  });
}

/** What a handler throws goes to the orchestrator in its own words, without the library's preamble. */
async function answer(handler: (parameters: never) => unknown, parameters: never) {
  try {
    return await handler(parameters);
  } catch (error) {
    const message = wordsOf(error);
    return new ResponseError(ErrorCodes.InternalError, message);
  }
}

async function importRole(name: RoleName): Promise<ServedRole> {
  switch (name) {
    case 'source':
    case 'sink':
      return (await import('./endpoint-role.js')).endpointRole();
    case 'exchange':
      return (await import('./peer-roles.js')).exchangeRole();
    case 'churn':
      return (await import('./peer-roles.js')).churnRole();
    case 'origin':
      return (await import('./origin-role.js')).originRole();
    case 'load':
      return (await import('./load-role.js')).loadRole();
    case 'forwarder':
      return (await import('./forwarder-role.js')).forwarderRole();
    case 'command':
      return (await import('./command-role.js')).commandRole();
    case 'decoy':
      return (await import('./decoy-role.js')).decoyRole();
    case 'network':
      return (await import('./network-role.js')).networkRole();
    case 'ports':
      return (await import('./ports-role.js')).portsRole();
    case 'script':
      return (await import('./script-role.js')).scriptRole();
    case 'observer':
      return (await import('./observer-role.js')).observerRole();
  }
}
