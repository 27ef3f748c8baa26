import { isIPv6 } from 'node:net';

/** "127.0.0.1:80", "[::1]:80": host and port in one word, as URLs and most programs want them. */
export function hostAndPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

/** An IPv6 address in brackets, anything else as it is. */
export function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** The version of IP that an address is of; a name counts as IPv4. */
export function ipVersion(host: string): 4 | 6 {
  return isIPv6(host) ? 6 : 4;
}
