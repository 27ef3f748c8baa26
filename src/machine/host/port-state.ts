/**
 * What a port is before a run takes it, and how it becomes that again. A port that changes its network
 * namespace comes without addresses, routes and settings, and its MTU may have been another's wish.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { x } from 'tinyexec';
import { native } from '../../data/native/native.js';
import type { Offloads } from '../../data/native/native-tools.js';
import { runCommand } from '../../base/process/namespace-holder.js';

/** An address as `ip -j addr` shows it, as far as it is put back. */
export interface PortAddress {
  family: 'inet' | 'inet6';
  local: string;
  /** The other end of a point-to-point address. */
  address?: string;
  prefixlen: number;
  broadcast?: string;
  scope: string;
  label?: string;
  metric?: number;
  noprefixroute?: boolean;
  nodad?: boolean;
  home?: boolean;
  mngtmpaddr?: boolean;
  /** Made by the kernel from another one, which makes it again. */
  temporary?: boolean;
  /** Seconds. */
  valid_life_time: number;
  preferred_life_time: number;
}

/** A port as `ip -j -d addr` shows it. */
export interface PortLink {
  ifname: string;
  flags: string[];
  mtu: number;
  /** Of the hardware. */
  address: string;
  master?: string;
  linkinfo?: { info_kind?: string };
  addr_info: PortAddress[];
}

export interface PortRoute {
  family: 4 | 6;
  /** As `ip route` shows it and takes it. */
  text: string;
}

/** Everything of a port that leaving and coming back would lose. */
export interface PortState {
  name: string;
  hardware: string;
  up: boolean;
  mtu: number;
  addresses: PortAddress[];
  routes: PortRoute[];
  /** Files under /proc/sys/net of this port alone, with what is in them. */
  settings: Record<string, string>;
  /** null = the driver does not tell. */
  offloads: Offloads | null;
}

const FOREVER = 4_294_967_295;
const FAMILIES = [4, 6] as const;
/** A program answers at once, on an emulated CPU of a busy machine in some seconds. Milliseconds. */
export const TIMEOUT = 20_000;
/** A link needs a while until it is up again, and a route may need the link. Milliseconds. */
const SETTLE = 8000;
const POLL = 100;

/** A port where this process is; null when there is none of this name. */
export async function readLink(name: string): Promise<PortLink | null> {
  const { exitCode, stdout } = await x('ip', ['-j', '-d', 'addr', 'show', 'dev', name], {
    timeout: TIMEOUT,
  });
  if (exitCode !== 0) return null;
  const [link] = JSON.parse(stdout) as PortLink[];
  return link ?? null;
}

/** @throws Error when there is no such port any more */
export async function readPortState(name: string): Promise<PortState> {
  const link = await readLink(name);
  if (link === null) throw new Error(`${name} is gone`);
  return {
    name,
    hardware: link.address,
    up: link.flags.includes('UP'),
    mtu: link.mtu,
    addresses: link.addr_info,
    routes: await readRoutes(name),
    settings: readSettings(name),
    offloads: readOffloads(name),
  };
}

async function readRoutes(name: string): Promise<PortRoute[]> {
  const found = FAMILIES.map(async (family): Promise<PortRoute[]> => {
    const argv = ['-o', `-${family}`, 'route', 'show', 'table', 'all', 'dev', name];
    const { stdout } = await x('ip', argv, { timeout: TIMEOUT });
    return parseRoutes(stdout, family);
  });
  return (await Promise.all(found)).flat();
}

/** Routes that have to be put back: those of the table `local` come with the addresses. Pure. */
export function parseRoutes(text: string, family: 4 | 6): PortRoute[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/\btable local\b/.test(line))
    .map((line) => ({
      family,
      text: line
        // Shown, but not taken.
        .replace(/ (linkdown|dead|offload|trap|offload_failed|rt_offload)\b/g, '')
        .replace(/ error -?\d+/, '')
        .replace(/ expires (\d+)sec/, ' expires $1')
        .trim(),
    }));
}

/** The commands that put addresses back, without `ip`. Pure. */
export function addressCommands({ name, addresses }: PortState): string[][] {
  return addresses
    .filter(({ temporary }) => temporary !== true)
    .map((one) => {
      const family = one.family === 'inet' ? '-4' : '-6';
      const peer = one.address === undefined ? [] : ['peer', `${one.address}/${one.prefixlen}`];
      const local = one.address === undefined ? `${one.local}/${one.prefixlen}` : one.local;
      const times =
        one.valid_life_time === FOREVER
          ? []
          : ['valid_lft', `${one.valid_life_time}`, 'preferred_lft', `${one.preferred_life_time}`];
      return [
        ...[family, 'addr', 'replace', local, ...peer, 'dev', name, 'scope', one.scope],
        ...(one.broadcast === undefined ? [] : ['broadcast', one.broadcast]),
        ...(one.label === undefined ? [] : ['label', one.label]),
        ...(one.metric === undefined ? [] : ['metric', `${one.metric}`]),
        ...(['noprefixroute', 'nodad', 'home', 'mngtmpaddr'] as const).filter((key) => one[key]),
        ...times,
      ];
    });
}

/**
 * The commands that put routes back, without `ip`: those to neighbours first, since gateways are reached
 * by them. `append`, since `replace` would take the place of another port's route to the same network.
 * Pure.
 */
export function routeCommands({ name, routes }: PortState): string[][] {
  const near = routes.filter(({ text }) => !/\bvia\b/.test(text));
  const far = routes.filter(({ text }) => /\bvia\b/.test(text));
  return [...near, ...far].map(({ family, text }) => {
    const words = text.split(/\s+/);
    return [`-${family}`, 'route', 'append', ...words, 'dev', name];
  });
}

/** What of `wanted` is not so in `found`, in words. Pure. */
export function stillDifferent(wanted: PortState, found: PortState): string[] {
  const differences: string[] = [];
  if (wanted.mtu !== found.mtu) differences.push(`MTU ${found.mtu} instead of ${wanted.mtu}`);
  if (wanted.up !== found.up) differences.push(wanted.up ? 'it is down' : 'it is up');
  const has = new Set(found.addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
  for (const { local, prefixlen, temporary } of wanted.addresses) {
    const text = `${local}/${prefixlen}`;
    if (temporary !== true && !has.has(text)) differences.push(`no address ${text}`);
  }
  const routes = new Set(found.routes.map(routeKey));
  for (const route of wanted.routes) {
    if (!routes.has(routeKey(route))) differences.push(`no route ${route.text}`);
  }
  for (const [file, value] of Object.entries(wanted.settings)) {
    const now = found.settings[file];
    if (now !== value) differences.push(`${file} is ${now ?? 'not there'} instead of ${value}`);
  }
  if (
    wanted.offloads !== null &&
    JSON.stringify(found.offloads) !== JSON.stringify(wanted.offloads)
  )
    differences.push('its offloads are others');
  return differences;
}

/** Without what counts down. */
function routeKey({ family, text }: PortRoute): string {
  return `${family} ${text.replace(/ expires \d+/, '')}`;
}

/**
 * Puts a port that is in this process's namespace back to what it was.
 * @returns what could not be put back, a part of a sentence each
 */
export async function restorePort(state: PortState): Promise<string[]> {
  const { name, mtu, up, offloads } = state;
  const deadline = performance.now() + SETTLE;
  await runCommand(['ip', 'link', 'set', 'dev', name, 'mtu', `${mtu}`]);
  writeSettings(state);
  if (offloads !== null && JSON.stringify(readOffloads(name)) !== JSON.stringify(offloads)) {
    setOffloads(name, offloads);
  }
  // Whatever came by itself on the way here is not what was there.
  await runCommand(['ip', 'link', 'set', 'dev', name, 'down']);
  await runCommand(['ip', 'addr', 'flush', 'dev', name]);
  const addresses = addressCommands(state);
  await all(addresses);
  if (up) await runCommand(['ip', 'link', 'set', 'dev', name, 'up']);
  for (;;) {
    // The kernel may have taken one away again, e.g. while the link came up.
    await all(addresses);
    await all(routeCommands(state));
    // Some settings follow from others, and from the link.
    writeSettings(state);
    const left = stillDifferent(state, await readPortState(name));
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(POLL);
  }
}

/** What fails here shows in what is different afterwards; "exists already" is no failure. */
async function all(commands: readonly string[][]): Promise<void> {
  for (const argv of commands) await runCommand(['ip', ...argv]);
}

const SETTING_FOLDERS = ['ipv4/conf', 'ipv6/conf', 'ipv4/neigh', 'ipv6/neigh'];
/** Others write these, in the same place: the MTU is the link's. */
const NO_SETTING = ['mtu', 'stable_secret'];

function settingFiles(name: string): string[] {
  return SETTING_FOLDERS.flatMap((folder) => {
    const path = join('/proc/sys/net', folder, name);
    try {
      return readdirSync(path)
        .filter((file) => !NO_SETTING.includes(file))
        .map((file) => join(path, file));
    } catch {
      // A kernel without this family.
      return [];
    }
  });
}

function readSettings(name: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const file of settingFiles(name)) {
    try {
      found[file] = readFileSync(file, 'utf8').trim();
    } catch {
      // Some can be written only.
    }
  }
  return found;
}

function writeSettings({ name, settings }: PortState): void {
  const now = readSettings(name);
  for (const [file, value] of Object.entries(settings)) {
    if (now[file] === value) continue;
    try {
      writeFileSync(file, value);
    } catch {
      // It shows in what is different afterwards.
    }
  }
}

function readOffloads(name: string): Offloads | null {
  try {
    return native().offloads(name);
  } catch {
    return null;
  }
}

function setOffloads(name: string, wanted: Offloads): void {
  try {
    native().setOffloads(name, wanted);
  } catch {
    // It shows in what is different afterwards.
  }
}
