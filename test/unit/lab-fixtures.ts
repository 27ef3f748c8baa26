/** Plans of controls, without traffic. */
import { type Control, workloadOf } from '../../src/tasks/selftest/control.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { topologySchema } from '../../src/experiment/scenario/schema.js';
import { completeTopology } from '../../src/experiment/scenario/topology.js';

export function plannedLabTrial(control: Control): PlannedTrial {
  const { name, forwarder } = control;
  return {
    run_id: 'selftest',
    trial_id: name,
    block: 0,
    position: 0,
    cell: {
      key: name,
      scenario: 'selftest',
      topology: completeTopology(topologySchema.parse({})),
      workload: workloadOf(control),
      baseline: forwarder.use,
      pin: null,
    },
    forwarder: { label: forwarder.use, use: forwarder.use, options: forwarder.options ?? {} },
    seed: '1',
  };
}
