/** The kernel that is booted: its image, its modules, and whether it boots under KVM. */
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CouldNotRunError } from '../../base/errors/errors.js';
import { wordsOf } from '../../base/errors/words.js';
import { findProgram } from '../../base/process/program.js';
import { boot, BootFailed } from './boot.js';
import { initramfs } from './initramfs.js';
import { machineArgv } from './machine.js';

/** Programs that the lab needs, with the package of each. */
const NEEDED: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  setpriv: 'util-linux',
};
const QEMU = 'qemu-system-x86_64';

/** What boots a kernel here. */
export interface Tools {
  qemu: string;
  busybox: string;
}

/** Why no kernel can be booted here, with what to install; null when one can. */
export function labLacking(architecture: string = process.arch): string | null {
  if (architecture !== 'x64')
    return `the lab boots x86-64 kernels, and this host is ${architecture}`;
  const missing = Object.keys(NEEDED).filter((name) => findProgram(name) === null);
  if (missing.length > 0) {
    const packages = missing.map((name) => NEEDED[name] ?? name).join(' ');
    return `${missing.join(', ')} not found (apt-get install ${packages})`;
  }
  const busybox = findProgram('busybox');
  if (busybox !== null && !isStatic(busybox)) {
    return `${busybox} needs shared libraries (apt-get install busybox-static)`;
  }
  return null;
}

/** What the lab can do where nothing is missing, with what the module with the bug takes beside it. */
export function labSummary(): string {
  const lacking = ['make', 'gcc'].filter((name) => findProgram(name) === null);
  const bug =
    lacking.length === 0
      ? ''
      : `; --bug is unavailable: ${lacking.join(' and ')} not found (apt-get install ${lacking.join(' ')})`;
  const how = mayUseKvm() ? 'with KVM where the kernel boots with it' : 'emulated (no /dev/kvm)';
  return `boots kernels under QEMU, ${how}${bug}`;
}

function mayUseKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @throws CouldNotRunError saying what is missing */
export function labTools(): Tools {
  const lacking = labLacking();
  if (lacking !== null) throw new CouldNotRunError(`lab: ${lacking}`);
  return { qemu: findProgram(QEMU) ?? '', busybox: findProgram('busybox') ?? '' };
}

/** A program without an interpreter (a PT_INTERP segment names one) needs no libraries. */
function isStatic(path: string): boolean {
  return !readFileSync(path).subarray(0, 4096).includes('/ld-linux');
}

/**
 * The folder of an image's modules where none is given: beside it, as packages have it, or installed.
 * null = none, and all that the guest needs must be built in.
 */
export function modulesBeside(kernel: string): string | null {
  // As Fedora has it, and Debian from 14 on.
  if (basename(kernel) === 'vmlinuz' && existsSync(join(dirname(kernel), 'kernel')))
    return dirname(kernel);
  const version = /^vmlinuz-(.+)$/.exec(basename(kernel))?.[1];
  if (version === undefined) return null;
  const places = [
    join(dirname(dirname(kernel)), 'lib', 'modules', version),
    join('/lib/modules', version),
  ];
  return places.find((place) => existsSync(place)) ?? null;
}

/** An image must be there and look like one: QEMU's own complaint is less clear. */
export function assertKernel(kernel: string): void {
  let head: Buffer;
  try {
    head = readFileSync(kernel).subarray(0, 0x210);
  } catch (error) {
    throw new CouldNotRunError(`lab: the kernel cannot be read: ${wordsOf(error)}`);
  }
  // "HdrS" at 0x202: Documentation/arch/x86/boot.rst.
  if (head.toString('latin1', 0x202, 0x206) !== 'HdrS') {
    throw new CouldNotRunError(
      `lab: ${kernel} is not an x86 kernel image; expected a bzImage, such as /boot/vmlinuz-VERSION`,
    );
  }
}

/** Seconds for a kernel to reach its shell under KVM. */
const PROBE_TIME = 20;

/** KVM where this kernel boots with it, else emulation. */
export async function accelerator(
  kernel: string,
  tools: Tools,
  folder: string,
  signal: AbortSignal,
): Promise<'kvm' | 'tcg'> {
  if (!mayUseKvm()) return 'tcg';
  const image = join(folder, 'probe.cpio');
  const bare = { busybox: tools.busybox, modules: [], links: {}, entries: [], argv: [] };
  writeFileSync(image, initramfs(bare));
  const machine = {
    ...tools,
    kernel,
    initramfs: image,
    cpus: 1,
    append: '',
    nic: 'tap',
    cards: [],
  };
  const argv = machineArgv({ ...machine, accelerator: 'kvm', shares: null, monitor: null });
  try {
    const most = PROBE_TIME;
    const patience = { shell: most, silence: most, step: most, whole: most };
    await boot({ argv, patience, signal, log: null });
    return 'kvm';
  } catch (error) {
    if (!(error instanceof BootFailed)) throw error;
    return 'tcg';
  }
}
