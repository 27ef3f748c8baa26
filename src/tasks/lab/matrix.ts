/** Kernels times cards times the bug off and on: a boot each, one after the other, within a time limit. */
import { firstWordsOf } from '../../base/errors/words.js';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MANIFEST_FILE, readRun } from '../../data/results/store-read.js';
import { LAB_FILE, readHook } from './guest-plan.js';
import { type LabFacts, type LabOptions, runLab } from './lab.js';
import { type BootResult, type MatrixRow, rowsOf } from './matrix-rows.js';

export interface MatrixOptions {
  kernels: readonly string[];
  cards: readonly string[];
  /** Off, on. */
  bugs: readonly boolean[];
  /** For all boots together; what does not begin or end within them is not run. */
  seconds: number;
  /** What all boots share; each has a folder of its own below `out`. */
  shared: Omit<LabOptions, 'kernel' | 'nic' | 'bug' | 'onStep'>;
  /** Told of each boot and its steps, in words. */
  onStep: (text: string) => void;
  /** Told of each boot's rows when it is over. */
  onRows?: (rows: readonly MatrixRow[]) => void;
  /** Replaced by tests. */
  run?: (options: LabOptions) => Promise<LabFacts>;
}

const OVER = 'the time for the matrix was over';

/**
 * A boot that came to its end in an earlier matrix in the same folder is not made again.
 * @throws the signal's reason when aborted; what had finished was told
 */
export async function runMatrix(options: MatrixOptions): Promise<MatrixRow[]> {
  const { kernels, cards, bugs, shared, onStep, onRows } = options;
  const boots = kernels.flatMap((kernel) =>
    cards.flatMap((nic) => bugs.map((bug) => ({ kernel, nic, bug }))),
  );
  const end = performance.now() + options.seconds * 1e3;
  const rows: MatrixRow[] = [];
  for (const [index, { kernel, nic, bug }] of boots.entries()) {
    shared.signal.throwIfAborted();
    const name = `${kernelName(kernel)}, ${nic}, ${bug ? 'with the bug of 2008' : 'as it is'}`;
    const progress = `[${index + 1}/${boots.length}] ${name}`;
    onStep(progress);
    const folder = join(
      shared.out,
      [...folderParts(kernels, kernel), nic, bug ? 'bug' : 'sound'].join('-'),
    );
    const failure = await bootOnce(
      {
        ...shared,
        kernel,
        nic,
        bug,
        out: folder,
        onStep: (text) => {
          onStep(`${progress}: ${text}`);
        },
      },
      end - performance.now(),
      options.run ?? runLab,
    );
    const result = await resultOf(
      { kernel: kernelName(kernel), nic, bug: bug ? '2008' : null, failure },
      folder,
    );
    const own = rowsOf(shared.scenarios, result);
    rows.push(...own);
    onRows?.(own);
  }
  shared.signal.throwIfAborted();
  return rows;
}

/** An image beside its modules has the version in its folder's name. */
function kernelName(path: string): string {
  return basename(path) === 'vmlinuz' ? basename(dirname(path)) : basename(path);
}

/** Only where there are several: their names are long. */
function folderParts(kernels: readonly string[], kernel: string): string[] {
  if (kernels.length < 2) return [];
  return [String(kernels.indexOf(kernel) + 1)];
}

/** @returns why it did not come to its end; null when it did */
async function bootOnce(
  options: LabOptions,
  left: number,
  run: (options: LabOptions) => Promise<LabFacts>,
): Promise<string | null> {
  if (cameToItsEnd(options)) {
    options.onStep('was made before');
    return null;
  }
  if (left <= 0) return OVER;
  // A boot of the lab, which did not come to its end; anything else is left for the lab to refuse.
  if (existsSync(join(options.out, LAB_FILE))) rmSync(options.out, { recursive: true });
  const limit = AbortSignal.timeout(Math.ceil(left));
  try {
    await run({ ...options, signal: AbortSignal.any([options.signal, limit]) });
    return null;
  } catch (error) {
    if (limit.aborted && !options.signal.aborted) return OVER;
    return firstWordsOf(error);
  }
}

/** Whether the folder has this boot, whole. */
function cameToItsEnd({ out, kernel, nic, bug, append }: LabOptions): boolean {
  const path = join(out, LAB_FILE);
  if (!existsSync(path)) return false;
  const facts = JSON.parse(readFileSync(path, 'utf8')) as LabFacts;
  const same = facts.kernel === resolve(kernel) && facts.nic === nic && facts.append === append;
  return same && (facts.bug !== null) === bug && facts.failure === null;
}

async function resultOf(
  boot: Pick<BootResult, 'kernel' | 'nic' | 'bug' | 'failure'>,
  folder: string,
): Promise<BootResult> {
  if (!existsSync(join(folder, MANIFEST_FILE))) {
    return { ...boot, trials: [], incidents: [], hook: new Map() };
  }
  const { trials, incidents } = await readRun(folder);
  return { ...boot, trials, incidents, hook: readHook(folder) };
}
