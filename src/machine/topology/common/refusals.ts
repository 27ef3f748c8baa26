/** A topology that cannot be had. */
import { CouldNotRunError } from '../../../base/errors/errors.js';

/** A topology that this host cannot give; the cells that need it are left out. */
export class TopologyUnavailable extends Error {
  override readonly name = 'TopologyUnavailable';
}

/** A host that cannot be reached, or has not what it takes. Says which, why and what to do. */
export class HostUnreachable extends CouldNotRunError {}
