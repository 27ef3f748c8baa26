/** The manifest of a run for the tests of the store. */
import type { RunManifest } from '../../src/data/record/record.js';
import { scenario } from './schedule-fixtures.js';

export const manifest: RunManifest = {
  version: 1,
  run_id: 'run-1',
  splicebench: '0.1.0',
  started: '2026-11-23T12:00:00.000Z',
  finished: null,
  interrupted: false,
  seed: '18446744073709551615',
  scenarios: [scenario],
  environment: [],
  stopping: {},
};
