/** The guest's first program: a script for busybox that ends in ours. It says each step on the console. */

/** What every line begins with that the guest says to us. */
export const SAID = 'splicebench-lab:';
/** The step that is none: the guest is still there. */
export const BEAT_STEP = 'alive';
/** Where the guest finds what it needs, read-only, and where it leaves what it found. */
export const HOST_SHARE = '/host';
export const RESULT_SHARE = '/results';
/** Tags of the two shares. */
export const TAGS = { host: 'splicebench-host', results: 'splicebench-results' } as const;
/** What the guest is to do, in the share. */
export const PLAN_NAME = 'plan.json';
export const PLAN_FILE = `${HOST_SHARE}/${PLAN_NAME}`;

/** A module to load, with its parameters. */
export interface ModuleLine {
  /** In the first file system. */
  path: string;
  name: string;
  parameters: string;
}

/**
 * The script. Steps: shell, modules, shares, inside; then `done CODE`, or `failed STEP: reason`.
 * @param argv what is run inside, found through the share; empty = nothing, to see whether it boots
 */
export function initScript(modules: readonly ModuleLine[], argv: readonly string[]): string {
  const share = (tag: string, where: string, mode: string) =>
    `mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,${mode} ${tag} ${where} 2>/tmp/said || fail shares "the folder ${tag} cannot be mounted (9p over virtio): $(tail -n 1 /tmp/said)"`;
  const lines = [
    '#!/bin/busybox sh',
    '/bin/busybox --install -s /bin',
    `export PATH=${HOST_SHARE}/bin:/bin HOME=/root LANG=C.UTF-8`,
    `say() { echo "${SAID} $*" >/dev/console; }`,
    // Without a moment's rest the last line may not have left the port.
    'off() { sync; sleep 0.2; poweroff -f; sleep 60; }',
    'fail() { step=$1; shift; say "failed $step: $*"; off; }',
    'mount -t devtmpfs devtmpfs /dev 2>/dev/null',
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    'mkdir -p /dev/shm /dev/pts && mount -t tmpfs tmpfs /dev/shm && mount -t devpts devpts /dev/pts',
    'mount -t tmpfs tmpfs /tmp',
    'mount -t tmpfs tmpfs /run',
    // From here on our lines show how far it is; the kernel's would come in between them.
    'echo 4 >/proc/sys/kernel/printk',
    'say "shell $(uname -r)"',
    ...modules.map(
      ({ path, name, parameters }) =>
        `insmod ${path} ${parameters} 2>/tmp/said || fail modules "${name} does not load: $(tail -n 1 /tmp/said)"`,
    ),
    'say modules',
    ...(argv.length === 0 ? ['say "done 0"', 'off'] : []),
    share(TAGS.host, HOST_SHARE, 'ro,cache=loose'),
    share(TAGS.results, RESULT_SHARE, 'rw'),
    'say shares',
    'ip link set lo up',
    'hostname splicebench-lab',
    'cd /tmp',
    // Through a pipe: our program would take the console for a terminal.
    'set -o pipefail',
    `${argv.join(' ')} </dev/null 2>&1 | cat >/dev/console`,
    'say "done $?"',
    'off',
  ];
  return `${lines.join('\n')}\n`;
}
