/** What native code is told: it has no defaults of its own, and refuses what is missing or too much. */
import { z } from 'zod';
import type { NativeForwarderOptions } from '../../data/native/native-surface.js';
import type { ForwarderKind } from './kind.js';

/** What a scenario may say of a mechanism's settings: any of them, and none that has a default must be. */
export function optionsOf(settings: z.ZodObject): z.ZodObject {
  const shape: Readonly<Record<string, z.ZodType>> = settings.shape;
  const fields = Object.entries(shape).map(([name, field]) => [
    name,
    field instanceof z.ZodDefault ? z.optional(field.def.innerType) : field,
  ]);
  return z.strictObject(Object.fromEntries(fields));
}

/**
 * Everything that a built-in mechanism is told: the options given, checked by `kind.options`, and the
 * registry's defaults for the others.
 * @returns `threads` apart, since each is a forwarder of its own to native code
 * @throws Error for a kind that is no mechanism
 */
export function settingsOf(
  kind: ForwarderKind,
  options: Readonly<Record<string, unknown>>,
): { threads: number; settings: NativeForwarderOptions['settings'] } {
  if (kind.runner.kind !== 'builtin') throw new Error(`${kind.use} is no built-in mechanism`);
  const { threads, ...all } = kind.runner.settings.parse(options);
  const settings: NativeForwarderOptions['settings'] = {};
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') {
      settings[name] = value;
    }
  }
  return { threads: typeof threads === 'number' ? threads : 1, settings };
}
