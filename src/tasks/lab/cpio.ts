/** An archive in cpio's "newc" format, as the kernel unpacks it for its first file system. */

/** A file, folder or symbolic link of the archive. */
export type Entry =
  | { path: string; kind: 'folder' }
  | { path: string; kind: 'link'; target: string }
  | { path: string; kind: 'file'; data: Uint8Array; executable?: boolean }
  /** A character device. */
  | { path: string; kind: 'device'; major: number; minor: number };

const FOLDER = 0o040755;
const LINK = 0o120777;
const FILE = 0o100644;
const PROGRAM = 0o100755;
const DEVICE = 0o020600;
const ALIGN = 4;

/**
 * The archive's bytes. Folders come before what is in them; paths are relative to the root.
 * Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 */
export function cpio(entries: readonly Entry[]): Buffer {
  const end: Entry = { path: 'TRAILER!!!', kind: 'folder' };
  return Buffer.concat([...entries, end].flatMap((entry, index) => recordOf(entry, index + 1)));
}

function recordOf(entry: Entry, inode: number): Buffer[] {
  const data = dataOf(entry);
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0];
  // inode, mode, uid, gid, links, time, size, device (2), special device (2), length of name, checksum
  const fields = [
    inode,
    modeOf(entry),
    0,
    0,
    1,
    0,
    data.length,
    0,
    0,
    major,
    minor,
    name.length,
    0,
  ];
  const head = Buffer.from(`070701${fields.map(hex).join('')}`);
  return [aligned(Buffer.concat([head, name])), aligned(data)];
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function aligned(bytes: Buffer): Buffer {
  const rest = (ALIGN - (bytes.length % ALIGN)) % ALIGN;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(rest)]);
}

function dataOf(entry: Entry): Buffer {
  if (entry.kind === 'link') return Buffer.from(entry.target);
  return entry.kind === 'file' ? Buffer.from(entry.data) : Buffer.alloc(0);
}

function modeOf(entry: Entry): number {
  if (entry.kind === 'folder') return FOLDER;
  if (entry.kind === 'link') return LINK;
  if (entry.kind === 'device') return DEVICE;
  return entry.executable === true ? PROGRAM : FILE;
}
