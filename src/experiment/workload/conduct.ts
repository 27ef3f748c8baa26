/** Which kind of workload is conducted how. A kind is one folder and one case here. */
import type { ConductedTrial, SessionSetting } from '../measure/session.js';
import { churnTrial } from './churn/churn-trial.js';
import { exchangeTrial } from './exchange/exchange-trial.js';
import { httpTrial } from './http/http-trial.js';
import { scriptTrial } from './script/script-trial.js';
import { streamTrial } from './stream/stream-trial.js';

/** Prepares a trial the way its kind of workload is run. */
export function conduct(setting: SessionSetting): ConductedTrial {
  const { workload } = setting.trial.cell;
  switch (workload.kind) {
    case 'stream':
      return streamTrial(setting, workload);
    case 'exchange':
      return exchangeTrial(setting, workload);
    case 'churn':
      return churnTrial(setting, workload);
    case 'http':
      return httpTrial(setting, workload);
    case 'script':
      return scriptTrial(setting, workload);
  }
}
