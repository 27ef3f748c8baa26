/** `config: FILE`: a program's configuration as its user has it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readingFault } from '../../../base/errors/reading-fault.js';

const file = z.strictObject({ path: z.string(), text: z.string() });

export type UserConfig = z.output<typeof file>;

/**
 * A path in a scenario. It becomes path and text, which are part of the plan: so a stored run says what it ran
 * with, goes on with it when resumed, and a program on another host gets it too.
 */
export const configField = z
  .union([z.string().min(1), file], { error: 'expected a path' })
  .transform((given, context): UserConfig => {
    if (typeof given !== 'string') return given;
    try {
      return { path: given, text: readFileSync(given, 'utf8') };
    } catch (error) {
      context.addIssue({
        code: 'custom',
        message: `${given} cannot be read: ${readingFault(error)}`,
      });
      return z.NEVER;
    }
  })
  .optional();
