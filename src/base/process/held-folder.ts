/**
 * A folder that is gone when its user is. A small process makes it, waits on a pipe from us, and removes
 * it when the pipe closes: however we end, also by SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Making and removing take milliseconds; more than this is a disk that hangs. */
const TIMEOUT = 5000;

/** The signals that come to whole groups are for us to answer. */
const HOLDER = [
  'trap "" HUP INT TERM',
  'folder=$(mktemp -d "$1/splicebench-XXXXXXXX") || exit 1',
  'echo "$folder"',
  'cat >/dev/null',
  // What still writes there is about to end too.
  'rm -rf -- "$folder" 2>/dev/null || { sleep 0.5; rm -rf -- "$folder"; }',
].join('\n');

export class HeldFolder {
  private constructor(
    readonly path: string,
    private readonly holder: ChildProcess,
  ) {}

  /** @throws Error with what the system said when there can be no folder */
  static async make(parent = tmpdir()): Promise<HeldFolder> {
    const holder = spawn('sh', ['-c', HOLDER, 'sh', parent], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let said = '';
    let complaint = '';
    holder.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    holder.stdin.on('error', () => undefined);
    const named = new Promise<void>((resolve) => {
      holder.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.endsWith('\n')) resolve();
      });
    });
    const failed = new Promise<void>((resolve) => {
      holder.once('error', (error) => {
        complaint = error.message;
        resolve();
      });
      holder.once('close', resolve);
    });
    await Promise.race([named, failed, sleep(TIMEOUT, undefined, { ref: false })]);
    if (!said.endsWith('\n')) {
      holder.kill('SIGKILL');
      throw new Error(`no temporary folder under ${parent}: ${complaint.trim() || 'no answer'}`);
    }
    return new HeldFolder(said.trimEnd(), holder);
  }

  /** Returns when the folder is gone, or the holder has had its time. */
  async remove(): Promise<void> {
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const gone = once(this.holder, 'exit');
    this.holder.stdin?.end();
    await Promise.race([gone, sleep(TIMEOUT, undefined, { ref: false })]);
  }
}
