/** What native code takes of the options of a scenario, which the kind's schema has checked. */
export function settingsOf(
  options: Record<string, unknown>,
): Record<string, number | boolean | string> {
  const settings: Record<string, number | boolean | string> = {};
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') {
      settings[name] = value;
    }
  }
  return settings;
}
