/** Ctrl-C and SIGTERM as an AbortSignal: the first asks, the second insists. */
import { EXIT } from '../base/errors/errors.js';

/** Ends what stopSignal() began: a signal ends the process again. */
export function releaseSignals(): void {
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
}

/** Aborts on the first SIGINT or SIGTERM; on the second the process exits at once with 130. */
export function stopSignal(onFirst?: () => void): AbortSignal {
  const controller = new AbortController();
  const handle = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new Error('interrupted'));
    onFirst?.();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return controller.signal;
}
