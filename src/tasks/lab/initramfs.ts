/** The guest's first file system: busybox, the kernel's modules and the script. */
import { readFileSync } from 'node:fs';
import { cpio, type Entry } from './cpio.js';
import { HOST_SHARE, initScript, type ModuleLine, RESULT_SHARE } from './init-script.js';
import type { LoadableModule } from './modules.js';

/** A module with what it is loaded with. */
export interface GuestModule extends LoadableModule {
  parameters?: string;
}

export interface Initramfs {
  /** A busybox that needs no libraries. */
  busybox: string;
  modules: readonly GuestModule[];
  /** Links from the root into the share: path to target. */
  links: Readonly<Record<string, string>>;
  /** What else is in it. */
  entries: readonly Entry[];
  /** What is run inside. */
  argv: readonly string[];
}

const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'tmp', 'run', 'etc', 'root', 'var', 'modules'];

/** The archive, not compressed: unpacking takes an emulated CPU longer than reading. */
export function initramfs({ busybox, modules, links, entries: more, argv }: Initramfs): Buffer {
  const numbered = modules.map((module, index): ModuleLine & { data: Buffer } => ({
    path: `/modules/${String(index).padStart(2, '0')}-${module.name}.ko`,
    name: module.name,
    parameters: module.parameters ?? '',
    data: module.data,
  }));
  const entries: Entry[] = [
    ...[...FOLDERS, HOST_SHARE.slice(1), RESULT_SHARE.slice(1)].map((path): Entry => ({
      path,
      kind: 'folder',
    })),
    { path: 'dev/console', kind: 'device', major: 5, minor: 1 },
    { path: 'bin/busybox', kind: 'file', data: readFileSync(busybox), executable: true },
    { path: 'var/run', kind: 'link', target: '/run' },
    { path: 'etc/passwd', kind: 'file', data: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
    { path: 'etc/group', kind: 'file', data: Buffer.from('root:x:0:\n') },
    ...Object.entries(links).map(([path, target]): Entry => ({ path, kind: 'link', target })),
    ...numbered.map(({ path, data }): Entry => ({ path: path.slice(1), kind: 'file', data })),
    ...more,
    {
      path: 'init',
      kind: 'file',
      data: Buffer.from(initScript(numbered, argv)),
      executable: true,
    },
  ];
  return cpio(entries);
}
