/** The call recorder beside a program: a library of ours that is preloaded into it (LD_PRELOAD). */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../base/process/package-root.js';
import { HeldFolder } from '../../base/process/held-folder.js';
import type { RecordedCall } from '../../data/record/record.js';
import { freezeRing, parseRing, recordedCalls, type Ring } from './call-ring.js';
import type { TracedPlaces } from './session-calls.js';

/** No addon, in spite of the ending that every target of the build is given. */
const LIBRARY = 'native/build/Release/splicebench-calls.node';
/** A program header that names the loader; without one nothing is preloaded. */
const PT_INTERP = 3;
const HEADERS = 4096;

/** Where the library is built. */
function recorderLibrary(): string {
  return join(packageRoot(), LIBRARY);
}

/** Why calls of a program cannot be recorded here, or null. @param program its file, when it is known */
export function recorderUnavailable(program: string | null): string | null {
  if (!existsSync(recorderLibrary())) {
    return `the call recorder is not built: ${recorderLibrary()} is missing (make build)`;
  }
  if (program === null || !isStatic(program)) return null;
  return `${program} is a static program, into which no call recorder can be preloaded; strace can watch it`;
}

/** True of an ELF program without a loader. Scripts are what their interpreters are: not known here. */
function isStatic(program: string): boolean {
  const head = Buffer.alloc(HEADERS);
  let file: number;
  try {
    file = openSync(program, 'r');
  } catch {
    return false;
  }
  try {
    const read = readSync(file, head, 0, HEADERS, 0);
    return hasNoLoader(head.subarray(0, read));
  } finally {
    closeSync(file);
  }
}

/** @param head the first bytes of a file of 64-bit ELF, little endian */
export function hasNoLoader(head: Buffer): boolean {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head.readUInt8(4) !== 2) {
    return false;
  }
  const at = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let index = 0; index < count; index++) {
    const header = at + index * size;
    // What lies beyond is not looked at: whether it came up is asked again when it runs.
    if (header + 4 > head.length) return false;
    if (head.readUInt32LE(header) === PT_INTERP) return false;
  }
  return true;
}

/** The rings of one program, and of all that it starts. */
export class CallRecorder {
  private constructor(private readonly folder: HeldFolder) {}

  static async make(): Promise<CallRecorder> {
    return new CallRecorder(await HeldFolder.make());
  }

  /** Put before a program's argv. */
  prefix(): string[] {
    const others = process.env['LD_PRELOAD'] ?? '';
    const preload = others === '' ? recorderLibrary() : `${recorderLibrary()}:${others}`;
    return ['env', `LD_PRELOAD=${preload}`, `SPLICEBENCH_CALLS=${this.folder.path}`];
  }

  /** Why nothing is recorded of some of these processes, or null. */
  trouble(pids: readonly number[]): string | null {
    for (const pid of pids) {
      const maps = textOf(`/proc/${pid}/maps`);
      if (maps === null || maps.includes(LIBRARY)) continue;
      const name = textOf(`/proc/${pid}/comm`)?.trim() ?? String(pid);
      return `calls of ${name} cannot be recorded: it is a static program, or one that nothing is preloaded into`;
    }
    return this.rings().length > 0
      ? null
      : `calls cannot be recorded: no room for them in ${this.folder.path}`;
  }

  /** Keeps the calls around now. */
  freeze(): void {
    for (const path of this.files()) {
      const file = openSync(path, 'r+');
      try {
        freezeRing(file);
      } finally {
        closeSync(file);
      }
    }
  }

  /** One for each process that there was. */
  rings(): Ring[] {
    return this.files().flatMap((path) => parseRing(readFileSync(path)) ?? []);
  }

  recorded(places: TracedPlaces): RecordedCall[] {
    return recordedCalls(this.rings(), places);
  }

  /** Calls so far; those of waits and events included. */
  get seen(): number {
    return this.rings().reduce((sum, { seen }) => sum + seen, 0);
  }

  remove(): Promise<void> {
    return this.folder.remove();
  }

  private files(): string[] {
    const names = readdirSync(this.folder.path).filter((name) => name.startsWith('calls.'));
    return names.map((name) => join(this.folder.path, name));
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
