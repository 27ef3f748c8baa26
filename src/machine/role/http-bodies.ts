/** What an origin serves: texts that are a function of the trial's seed, and different from path to path. */
import { createCipheriv, createHash } from 'node:crypto';

/** As many paths as there are bodies; a response that belongs to another request is then noticed. */
export const BODIES = 16;

/**
 * The bodies of a trial, in plain ASCII: autocannon reads bodies as text, and a byte that is no ASCII
 * any more then cannot look like one that is.
 * @param size bytes of each
 */
export function httpBodies(seed: string, size: number): string[] {
  return Array.from({ length: BODIES }, (_, index) => {
    const key = createHash('sha256').update(`${seed}/${index}`).digest().subarray(0, 16);
    const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
    const random = cipher.update(Buffer.alloc(Math.ceil((size * 3) / 4)));
    return random.toString('base64').slice(0, size);
  });
}
