/** What has to be known of a port before a run takes it, read where this process is. */
import { existsSync, realpathSync } from 'node:fs';
import { x } from 'tinyexec';
import { cardFolder } from './device.js';
import type { PortFacts } from './port-refusal.js';
import { type PortLink, readLink, readPortState, TIMEOUT } from './port-state.js';

/** @throws Error when a program that answers is not there or fails: not known is not "no" */
export async function readPortFacts(name: string): Promise<PortFacts> {
  const link = await readLink(name);
  const links = JSON.parse(await said('ip', '-j', '-d', 'link', 'show')) as LinkLine[];
  const others = links.map(({ ifname }) => ifname).filter((one) => one !== 'lo');
  const base = { name, link, others, wireless: isWireless(name) };
  if (link === null) return { ...base, routes: [], uppers: [], disciplines: [], connections: [] };
  const established = await said('ss', '-Htn', 'state', 'established');
  const disciplines = JSON.parse(
    await said('tc', '-j', 'qdisc', 'show', 'dev', name),
  ) as Discipline[];
  return {
    ...base,
    routes: (await readPortState(name)).routes,
    // The other end of a veth pair is named the same way, and is not on top of it.
    uppers: links
      .filter((one) => one.link === name && one.linkinfo?.info_kind !== 'veth')
      .map(({ ifname }) => ifname),
    // Those that the kernel gave have no handle.
    disciplines: disciplines.filter(({ handle }) => handle !== '0:').map(({ kind }) => kind),
    connections: established.split('\n').flatMap((line) => line.trim().split(/\s+/)[2] ?? []),
  };
}

interface LinkLine {
  ifname: string;
  link?: string;
  linkinfo?: { info_kind?: string };
}

interface Discipline {
  kind: string;
  handle: string;
}

/**
 * Folder of the port's device in sysfs; null where nothing is behind it. sysfs shows the interfaces of
 * one namespace, the device stays where it is: so it is looked up before the port moves.
 */
export function deviceOf({ ifname, address }: Pick<PortLink, 'ifname' | 'address'>): string | null {
  const folder = cardFolder(ifname, address);
  return folder === null ? null : realpathSync(`${folder}/device`);
}

function isWireless(name: string): boolean {
  return ['wireless', 'phy80211'].some((one) => existsSync(`/sys/class/net/${name}/${one}`));
}

async function said(program: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await x(program, args, { timeout: TIMEOUT });
  if (exitCode === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} failed: ${stderr.trim().split('\n')[0] ?? ''}`);
}
