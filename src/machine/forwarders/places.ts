/** Where a program listens and connects, as its arguments and files name it. Roles load this: no schemas here. */
import { bracketed, hostAndPort, ipVersion } from '../host/address.js';

/** A folder for files without a name: the one for temporary files of the host where the forwarder runs. */
export const TEMPORARY = '';

/** What placeholders stand for: where a command listens and connects, and its folder, if it has one. */
export interface CommandPlaces {
  listen: { host: string; port: number };
  upstream: { host: string; port: number };
  dir?: string;
}

/**
 * Fills the placeholders of a text; other braces stay as they are. `{listen.address}` is host and port in
 * one word, an IPv6 address in brackets; `{listen.bracketed}` is the host alone so, `{listen.ip}` 4 or 6.
 */
export function fillPlaceholders(text: string, { listen, upstream, dir }: CommandPlaces): string {
  let filled = text;
  for (const [name, { host, port }] of Object.entries({ listen, upstream })) {
    filled = filled
      .replaceAll(`{${name}.host}`, host)
      .replaceAll(`{${name}.port}`, String(port))
      .replaceAll(`{${name}.address}`, hostAndPort(host, port))
      .replaceAll(`{${name}.bracketed}`, bracketed(host))
      .replaceAll(`{${name}.ip}`, String(ipVersion(host)));
  }
  return dir === undefined ? filled : filled.replaceAll('{dir}', () => dir);
}
