/** `splicebench lab --conformance`: cases of the suite, played on the guest's cards. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NicTopology } from '../data/record/plan.js';
import { topologySchema } from '../experiment/scenario/schema.js';
import { completeTopology } from '../experiment/scenario/topology.js';
import { loadCases } from '../tasks/conformance/case.js';
import { matrixText } from '../tasks/conformance/matrix-text.js';
import type { Matrix } from '../tasks/conformance/suite.js';
import { CONFORMANCE_FILE, type GuestConformance } from '../tasks/lab/guest-plan.js';
import { conformanceCode, writeMatrix } from './conformance.js';

/** One of what splices, and one of what copies; more takes an emulated CPU long. */
const FORWARDERS = ['splice', 'copy'];

/**
 * What the guest is to play: source, forwarder and sink have a card each.
 * @param wish names of cases, separated by commas; true = all
 * @param minutes for all of them
 * @throws UsageError for a case that is not there
 */
export async function guestConformance(
  wish: string | true,
  minutes: number,
): Promise<GuestConformance> {
  const cases = wish === true ? [] : wish.split(',');
  await loadCases(cases);
  const ports = { source: 'port0', forwarder: 'port1', sink: 'port2' };
  const topology = completeTopology(topologySchema.parse({ kind: 'nic', ports }));
  return {
    cases,
    only: FORWARDERS,
    topology: topology as NicTopology,
    seconds: minutes * 60,
  };
}

/** Shows and keeps what the guest left. @returns the exit code; null = it left nothing */
export async function reportConformance(folder: string): Promise<number | null> {
  const path = join(folder, CONFORMANCE_FILE);
  if (!existsSync(path)) return null;
  const matrix = JSON.parse(readFileSync(path, 'utf8')) as Matrix;
  process.stdout.write(`${matrixText(matrix, false)}\n`);
  await writeMatrix(matrix, join(folder, 'conformance'));
  return conformanceCode(matrix);
}
