/** The ports of `topology.kind: nic`, as the scenario file has them. */
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import type { NicSeat, NicTopology } from './plan.js';

/** Keys of the topology that only nic has; a condition cannot vary them. */
export const NIC_KEYS = ['ports', 'addresses', 'take-busy-ports'] as const;

/**
 * Who sits behind which port. With two ports the ends share one and the forwarder has the other, so that
 * every byte crosses the wire on its way in and again on its way out. With three, each has its own.
 */
const SEATS = {
  source: ['upstream'],
  forwarder: ['forwarder'],
  sink: ['downstream'],
  ends: ['upstream', 'downstream'],
} as const satisfies Record<string, readonly NicSeat['parts'][number][]>;

type SeatName = keyof typeof SEATS;

const ARRANGEMENTS: readonly (readonly SeatName[])[] = [
  ['forwarder', 'ends'],
  ['source', 'forwarder', 'sink'],
];

/** Of the network that RFC 2544 sets aside for benchmarks. */
const DEFAULT_ADDRESS: Record<SeatName, string> = {
  source: '198.18.2.1/24',
  ends: '198.18.2.1/24',
  forwarder: '198.18.2.2/24',
  sink: '198.18.2.3/24',
};

const port = z.string().regex(/^(?!-|lo$)[^\s/:]{1,15}$/, {
  error: "expected the name of a network port, as 'ip link' shows it, e.g. eth1",
});
const address = z.string().refine((text) => partsOf(text) !== null, {
  error: 'expected an address with the length of its network, e.g. 10.9.0.1/24 or fd00:9::1/64',
});

function seated<T extends z.ZodType>(value: T) {
  const seat = value.optional();
  return z
    .strictObject({ source: seat, forwarder: seat, sink: seat, ends: seat })
    .superRefine((given, context) => {
      const names = namesOf(given);
      if (ARRANGEMENTS.some((one) => sameNames(one, names))) return;
      const message = `expected 'forwarder' and 'ends' (two ports), or 'source', 'forwarder' and 'sink' (three), got ${names.join(', ') || 'nothing'}`;
      context.addIssue({ code: 'custom', message, input: given });
    });
}

export const portsSchema = seated(port).superRefine((given, context) => {
  const names = Object.values(given).filter((name) => name !== undefined);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  const message = `'${twice}' is there twice: each part needs a port of its own, else no byte crosses a wire`;
  context.addIssue({ code: 'custom', message, input: given });
});

export const addressesSchema = seated(address).superRefine((given, context) => {
  const all = Object.values(given).filter((one) => one !== undefined);
  const fault = networkFault(all);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault, input: given });
});

export interface NicKeys {
  ports?: z.output<typeof portsSchema> | undefined;
  addresses?: z.output<typeof addressesSchema> | undefined;
}

/** Why ports and addresses do not go together; null when they do. */
export function seatFault({ ports, addresses }: NicKeys): string | null {
  if (ports === undefined || addresses === undefined) return null;
  const [wanted, given] = [namesOf(ports), namesOf(addresses)];
  if (sameNames(wanted, given)) return null;
  return `addresses are needed for ${wanted.join(', ')}, as the ports are; got ${given.join(', ')}`;
}

/** Each port with its address and who is behind it; the forwarder's is always among them. */
export function nicSeats({ ports, addresses }: NicKeys): NicSeat[] {
  return namesOf(ports ?? {}).map((name) => {
    const [address = '', length] = (addresses?.[name] ?? DEFAULT_ADDRESS[name]).split('/');
    return {
      name,
      parts: [...SEATS[name]],
      port: ports?.[name] ?? '',
      address,
      length: Number(length),
    };
  });
}

/** "forwarder eth1, ends eth2". */
export function seatsText({ seats }: Pick<NicTopology, 'seats'>): string {
  return seats.map(({ name, port }) => `${name} ${port}`).join(', ');
}

function namesOf(given: Partial<Record<SeatName, unknown>>): SeatName[] {
  return (Object.keys(SEATS) as SeatName[]).filter((name) => given[name] !== undefined);
}

function sameNames(one: readonly SeatName[], other: readonly SeatName[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}

function partsOf(text: string): { address: string; length: number; family: 4 | 6 } | null {
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  if (family !== 4 && family !== 6) return null;
  // One bit for two hosts at least; three hosts are told apart by being different.
  const longest = family === 4 ? 31 : 127;
  return Number(length) >= 1 && Number(length) <= longest
    ? { address, length: Number(length), family }
    : null;
}

/** Ports that are cabled together need different addresses of one network. */
function networkFault(texts: readonly string[]): string | null {
  const all = texts.map(partsOf);
  const [first] = all;
  if (first == null) return null;
  const network = new BlockList();
  const kind = first.family === 4 ? 'ipv4' : 'ipv6';
  network.addSubnet(first.address, first.length, kind);
  const inside = all.every(
    (one) =>
      one?.family === first.family &&
      one.length === first.length &&
      network.check(one.address, kind),
  );
  if (!inside) return `expected addresses of one network, got ${texts.join(', ')}`;
  const same = new Set(all.map((one) => one?.address)).size < all.length;
  return same ? `expected different addresses, got ${texts.join(', ')}` : null;
}
