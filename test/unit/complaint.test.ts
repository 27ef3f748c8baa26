import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { complaintIn } from '../../src/machine/role/complaint.js';

describe('what of a program’s output explains its end', () => {
  const cases: [string, string, string][] = [
    ['nothing', ' \n\n', ''],
    ['the last line when none speaks of trouble', 'one\ntwo\n', ': two'],
    [
      'of HAProxy the line that names the place',
      "[NOTICE]   (9) : haproxy version is 2.6\n[ALERT]    (9) : config : parsing [/tmp/x:3] : unknown keyword 'spice'\n[ALERT]    (9) : config : Fatal errors found in configuration.\n",
      ": [ALERT]    (9) : config : parsing [/tmp/x:3] : unknown keyword 'spice'",
    ],
    [
      'of nginx the line that names the place',
      'nginx: [emerg] unknown directive "spice" in /tmp/x:3\n',
      ': nginx: [emerg] unknown directive "spice" in /tmp/x:3',
    ],
    [
      'of Node the message, not the version below the stack',
      'node:events:1\n      throw er;\nError: listen EADDRINUSE\n    at Server\n\nNode.js v20.1.0\n',
      ': Error: listen EADDRINUSE',
    ],
    [
      'the option that a program does not know, and not the end of its help',
      "setpriv: unrecognized option '--pdeathsig'\nUsage: setpriv [OPTIONS] PROG\n\t--ambient-caps CAP,CAP\n",
      ": setpriv: unrecognized option '--pdeathsig'",
    ],
  ];
  for (const [what, said, expected] of cases) {
    it(what, () => {
      assert.equal(complaintIn(said), expected);
    });
  }

  it('cuts a line that is too long', () => {
    const text = complaintIn(`error ${'x'.repeat(1000)}`);
    assert.ok(text.length < 320 && text.endsWith('…'));
  });
});
