/**
 * Receive packet steering of an interface: the CPUs on which what arrives there is taken up. In sysfs, which
 * shows the interfaces of the network namespace that it was mounted in.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bits of each of the words, the highest first, that the kernel reads and writes a mask in. */
const WORD_BITS = 32;

/** The mask of CPUs as sysfs takes it: [1] is "2", [33] is "2,00000000". */
export function cpuMask(cpus: readonly number[]): string {
  const words = new Array<number>(Math.floor(Math.max(0, ...cpus) / WORD_BITS) + 1).fill(0);
  for (const cpu of cpus) {
    const word = Math.floor(cpu / WORD_BITS);
    words[word] = (words[word] ?? 0) + 2 ** (cpu % WORD_BITS);
  }
  const [highest = 0, ...others] = words.toReversed();
  return [highest.toString(16), ...others.map((word) => word.toString(16).padStart(8, '0'))].join();
}

/** The CPUs of such a mask, in order. @throws Error when it is none */
export function cpusOfMask(mask: string): number[] {
  const words = mask.trim().split(',').toReversed();
  if (!words.every((word) => /^[0-9a-f]{1,8}$/.test(word))) {
    throw new Error(`expected a mask of CPUs, got '${mask.trim()}'`);
  }
  return words.flatMap((word, index) => {
    const bits = parseInt(word, 16);
    const all = Array.from({ length: WORD_BITS }, (_, bit) => bit);
    const set = all.filter((bit) => Math.floor(bits / 2 ** bit) % 2 === 1);
    return set.map((bit) => index * WORD_BITS + bit);
  });
}

/**
 * Steers what an interface receives, in all of its queues.
 * @param sysfs where it is mounted, of the interface's own network namespace
 * @returns by queue (`rx-0`) the CPUs that are in force then, read back
 * @throws Error with errno's name when the kernel refuses
 */
export function steerReceiving(
  name: string,
  cpus: readonly number[],
  sysfs = '/sys',
): Record<string, number[]> {
  const folder = join(sysfs, 'class', 'net', name, 'queues');
  const queues = readdirSync(folder).filter((queue) => queue.startsWith('rx-'));
  return Object.fromEntries(
    queues.map((queue): [string, number[]] => {
      const file = join(folder, queue, 'rps_cpus');
      writeFileSync(file, cpuMask(cpus));
      return [queue, cpusOfMask(readFileSync(file, 'utf8'))];
    }),
  );
}
