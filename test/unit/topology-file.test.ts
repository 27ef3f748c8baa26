import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadScenarios } from '../../src/experiment/scenario/load.js';
import { loadTopology } from '../../src/experiment/scenario/topology-file.js';
import { scratch } from '../support/folder.js';
import { kinds } from './scenario-fixtures.js';

function fileOf(t: TestContext, text: string): string {
  const path = join(scratch(t), 'where.yaml');
  writeFileSync(path, text);
  return path;
}

const VETH = 'topology: { kind: veth, mtu: 9000, gro: off }\n';
const HOSTS = `topology:
  kind: hosts
  source: { local: true, address: 127.0.0.1 }
  forwarder: { local: true, address: 127.0.0.2 }
  sink: { local: true, address: 127.0.0.3 }
`;

/** What a scenario becomes over another topology, or the message of the error. */
async function over(t: TestContext, topology: string, scenario: string) {
  const path = fileOf(t, `name: small\nforwarders: [splice, copy]\n${scenario}`);
  const elsewhere = await loadTopology(fileOf(t, topology));
  return (await loadScenarios([path], kinds, elsewhere))[0]?.cells ?? [];
}

describe('a topology in a file of its own', () => {
  it('takes the place of the whole topology of a scenario', async (t) => {
    const [cell] = await over(t, VETH, 'topology: { kind: loopback, congestion: bbr }\n');
    assert.ok(cell?.topology.kind === 'veth');
    assert.equal(cell.topology.mtu, 9000);
    assert.equal(cell.topology.gro, false);
    assert.equal(cell.topology.congestion, 'cubic', "nothing is left of the scenario's own");
    const [far] = await over(t, HOSTS, '');
    assert.equal(far?.topology.kind, 'hosts');
  });

  it('is taken out of a whole scenario file', async (t) => {
    const [cell] = await over(t, `name: another\nforwarders: [splice]\n${VETH}`, '');
    assert.equal(cell?.scenario, 'small');
    assert.equal(cell.topology.kind, 'veth');
  });

  it('is still varied by the matrix', async (t) => {
    const cells = await over(t, VETH, 'matrix: { topology.congestion: [reno, cubic] }\n');
    assert.deepEqual(
      cells.map(({ topology }) => topology.congestion),
      ['reno', 'cubic'],
    );
  });

  it('that has no such key is named, with the line of the matrix', async (t) => {
    const matrix = 'matrix: { topology.congestion: [reno, cubic] }\n';
    await assert.rejects(
      over(t, HOSTS, matrix),
      /where\.yaml:3: matrix topology\.congestion: topology 'hosts' has no 'congestion', only .*\(--topology .*where\.yaml\)$/,
    );
    // What is wrong with the scenario itself is not blamed on the topology.
    await assert.rejects(over(t, HOSTS, 'baseline: direct\n'), ({ message }: Error) => {
      assert.match(message, /no forwarder 'direct'/);
      return !message.includes('--topology');
    });
  });

  it('is checked as that of a scenario is, with file, line and key', async (t) => {
    const refused = (text: string, message: RegExp) =>
      assert.rejects(loadTopology(fileOf(t, text)), message);
    await refused('topology:\n  kind: vet\n', /where\.yaml:2: topology\.kind: .*'vet'.*veth/);
    await refused(
      'topology:\n  knd: veth\n',
      /where\.yaml:2: unknown key 'knd', did you mean 'kind'/,
    );
    await refused('topolgy: { kind: veth }\n', /unknown key 'topolgy', did you mean 'topology'/);
    await refused('name: small\n', /where\.yaml:1: missing key 'topology'/);
    await refused('topology: { kind: hosts }\n', /where\.yaml:1: topology: 'hosts' needs 'source'/);
    await refused('topology: { kind: loopback, mtu: 1500 }\n', /topology 'loopback' has no 'mtu'/);
    await refused('', /where\.yaml:1: the file is empty, expected a topology/);
    await assert.rejects(loadTopology('/nowhere.yaml'), /cannot be read: no such file/);
  });
});
