/** What the interfaces of a host are, as `ethtool` and the kernel show them. */
import { x } from 'tinyexec';
import type {
  InterfaceEnvironment,
  InterruptAffinity,
} from '../../data/record/environment-record.js';
import { cardFolder } from './device.js';
import { type FileReader, localFiles } from '../../base/process/files.js';
import type { Host } from './host.js';

/** ethtool's flags by what they show; the empty one shows the link. */
const SHOWS = {
  driver: '-i',
  link: '',
  rings: '-g',
  coalescing: '-c',
  pause: '-a',
  queues: '-l',
  offloads: '-k',
  counters: '-S',
} as const;

/** Features that decide how packets are put together; a driver lists sixty. */
const FEATURES = [
  'rx-checksumming',
  'tx-checksumming',
  'scatter-gather',
  // Not the group above it, which says "on" while any kind is.
  'tx-tcp-segmentation',
  'generic-segmentation-offload',
  'generic-receive-offload',
  'large-receive-offload',
];

/** Ends what one command printed. */
const MARK = '\u0001';
/** Stands before why it failed. */
const FAILED = '\u0002';
const TIMEOUT = 5000;

/** The interfaces that carry a host's trials; none where they are not the trial's own. */
export async function captureInterfaces(host: Host): Promise<InterfaceEnvironment[]> {
  const names = [...(host.interfaces ?? [])];
  if (host.observer !== undefined)
    return host.observer.ask('interfaces', { host: host.name, names });
  return Promise.all(names.map((name) => capture(host, name)));
}

async function capture(host: Host, name: string): Promise<InterfaceEnvironment> {
  const shows = Object.values(SHOWS).map(
    (flag) =>
      `ethtool ${flag} "$1" 2>/dev/null || { printf '\\002'; ethtool ${flag} "$1" 2>&1 >/dev/null; }; printf '\\001'`,
  );
  const script = [`ip -o link show dev "$1"; printf '\\001'`, ...shows];
  const [program, ...args] = [...host.prefix, 'sh', '-c', script.join('; '), 'sh', name];
  let parts: string[] = [];
  try {
    parts = (await x(program, args, { timeout: TIMEOUT })).stdout.split(MARK);
  } catch {
    // What cannot be read is null below.
  }
  return interfaceOf(host.name, name, parts, localFiles, host.devices?.[name]);
}

/**
 * From what the commands printed, and what sysfs has of the device.
 * @param parts link, then one per entry of SHOWS; what a command said when it failed follows FAILED
 * @param known folder of its device, where it is known
 */
export function interfaceOf(
  host: string,
  name: string,
  [link = '', ...shown]: readonly string[],
  files: FileReader = localFiles,
  known: string | null = null,
): InterfaceEnvironment {
  const keys = Object.keys(SHOWS) as (keyof typeof SHOWS)[];
  const printed = keys.map((_, index) => (shown[index] ?? '').split(FAILED));
  const of = Object.fromEntries(
    keys.map((what, index) => [what, pairs(current(printed[index]?.[0] ?? ''))]),
  ) as Record<keyof typeof SHOWS, Map<string, string>>;
  const said = (what: keyof typeof SHOWS, key: string) => of[what].get(key) ?? null;
  const mtu = /\bmtu (\d+)/.exec(link)?.[1];
  const folder = known ?? deviceFolder(name, link, of.driver, files);
  const device = (property: string) =>
    folder === null ? null : files.text(`${folder}/${property}`);
  const found = {
    mtu: mtu === undefined ? null : Number(mtu),
    driver: said('driver', 'driver'),
    firmware: said('driver', 'firmware-version'),
    speed: said('link', 'Speed'),
    numa_node: device('numa_node'),
    irq_affinity: device('local_cpulist'),
    interrupts: folder === null ? null : interruptsOf(folder, files),
    offloads: object(new Map([...of.offloads].filter(([key]) => FEATURES.includes(key)))),
    rings: object(of.rings),
    rings_maximum: object(maxima(printed[keys.indexOf('rings')]?.[0] ?? '')),
    coalescing: object(of.coalescing),
    pause: object(of.pause),
    queues: object(of.queues),
    queues_maximum: object(maxima(printed[keys.indexOf('queues')]?.[0] ?? '')),
    counters: object(of.counters),
  };
  const complaints = new Map(keys.map((what, index) => [what, complaintOf(printed[index]?.[1])]));
  const reasonOf = (key: string) => {
    if (key === 'mtu') return `'ip link show dev ${name}' does not say`;
    if (DEVICE_FACTS.has(key)) {
      return folder === null ? 'no device is behind it' : `${folder} does not say`;
    }
    const what =
      key === 'firmware' ? 'driver' : key === 'speed' ? 'link' : key.replace(/_maximum$/, '');
    const why = complaints.get(what as keyof typeof SHOWS) ?? 'it does not say';
    return `ethtool ${SHOWS[what as keyof typeof SHOWS]} ${name}: ${why}`.replace('  ', ' ');
  };
  const lacking = Object.entries(found).filter(([, value]) => value === null);
  const unavailable = Object.fromEntries(lacking.map(([key]) => [key, reasonOf(key)]));
  return { host, name, ...found, unavailable };
}

/** Those that sysfs tells, not ethtool. */
const DEVICE_FACTS: ReadonlySet<string> = new Set(['numa_node', 'irq_affinity', 'interrupts']);

function complaintOf(text: string | undefined): string | null {
  const line = text?.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? null : line;
}

/**
 * The folder of the device; null for interfaces without one, such as veth. By its place on the bus
 * where the driver tells it.
 * @param link as `ip -o link` prints it
 */
function deviceFolder(
  name: string,
  link: string,
  driver: ReadonlyMap<string, string>,
  files: FileReader,
): string | null {
  const bus = driver.get('bus-info');
  const place = bus === undefined ? null : `/sys/bus/pci/devices/${bus}`;
  if (place !== null && files.list(place).length > 0) return place;
  const address = /\blink\/ether (\S+)/.exec(link)?.[1];
  const folder = address === undefined ? null : cardFolder(name, address, files);
  return folder === null ? null : `${folder}/device`;
}

/** null for a device without interrupts of its own. */
function interruptsOf(folder: string, files: FileReader): Record<string, InterruptAffinity> | null {
  const numbers = files.list(`${folder}/msi_irqs`).sort((a, b) => Number(a) - Number(b));
  if (numbers.length === 0) return null;
  const affinity = (irq: string) => ({
    allowed: files.text(`/proc/irq/${irq}/smp_affinity_list`),
    effective: files.text(`/proc/irq/${irq}/effective_affinity_list`),
  });
  return Object.fromEntries(numbers.map((irq) => [irq, affinity(irq)]));
}

/** Without the maxima, where there are such. */
function current(text: string): string {
  return text.split(/^Current hardware settings:/m).at(-1) ?? '';
}

/** What stands under "Pre-set maximums:", before the current settings. */
function maxima(text: string): Map<string, string> {
  const part = /^Pre-set maximums:\n([\s\S]*?)^Current hardware settings:/m.exec(text)?.[1];
  return pairs(part ?? '');
}

/** "name: value" lines; those without a value are headings. */
function pairs(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/^\s*([^:\n]+):[ \t]*(\S[^\n]*)$/gm)) {
    found.set(key.trim(), value.trim());
  }
  return found;
}

function object(map: ReadonlyMap<string, string>): Record<string, string> | null {
  return map.size === 0 ? null : Object.fromEntries(map);
}
