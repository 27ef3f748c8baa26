/** The claims of the report itself: W. Tarreau, "Data corruption issue with splice() on 2.6.27.10". */
import { LINK_FULL } from '../../experiment/measure/bottleneck.js';
import type { Claim } from './claim.js';
import { CLAIMED } from './budget-2008.js';

const SOURCE = 'W. Tarreau to linux-kernel and netdev, 24 December 2008';
/** The 2008 program and its variants, by their labels in bench/scenarios/claims/claims-report.yaml. */
const POC = ['poc', 'poc-no-move', 'poc-two-chunks'];
/** What the speeds are claimed of, bits per second. */
const LINK = 1e10;

export const REPORT_2008: readonly Claim[] = [
  {
    id: '2008-copy-3gbps',
    source: SOURCE,
    statement: 'recv and send hold HAProxy to about 3 Gbps',
    place: 'nic',
    needs: 'a 10 Gbps network card and two more hosts',
    leastLink: LINK,
    judged: {
      scenario: 'claims-speed',
      test: {
        kind: 'level',
        of: 'haproxy-copy',
        metric: 'goodput',
        claimed: { from: 2.5, to: 3.5 },
      },
    },
    expected: null,
  },
  {
    id: '2008-splice-10gbps',
    source: SOURCE,
    // The report speaks of line rate, which goodput never quite is.
    statement: 'with splice HAProxy reaches 10 Gbps, which fills the link',
    place: 'nic',
    needs: 'a 10 Gbps network card and two more hosts',
    leastLink: LINK,
    judged: {
      scenario: 'claims-speed',
      test: {
        kind: 'level',
        of: 'haproxy-splice',
        metric: 'goodput',
        claimed: { from: CLAIMED.splice * LINK_FULL },
      },
    },
    expected: null,
  },
  {
    id: '2008-ratio',
    source: SOURCE,
    statement: 'splice forwards at least 3.33 times as fast as recv and send (10 against 3 Gbps)',
    place: 'nic',
    needs: 'a 10 Gbps network card and two more hosts',
    leastLink: LINK,
    judged: {
      scenario: 'claims-speed',
      test: {
        kind: 'ratio',
        of: 'haproxy-splice',
        over: 'haproxy-copy',
        metric: 'goodput',
        claimed: { from: 10 / 3 },
      },
    },
    expected: null,
  },
  {
    id: '2008-wrong-contents',
    source: SOURCE,
    statement: 'the count of bytes is right, but some contents are wrong',
    place: 'anywhere',
    needs: null,
    judged: { scenario: 'claims-report', test: { kind: 'corruption', of: POC } },
    expected: 'not reproduced',
  },
  {
    id: '2008-file-hides-it',
    source: SOURCE,
    statement: 'a file on either side makes the corruption disappear',
    place: 'anywhere',
    needs: null,
    judged: {
      scenario: 'claims-report',
      test: {
        kind: 'incidence',
        of: ['file-source', 'file-sink'],
        against: POC,
        claimed: 'fewer',
      },
    },
    expected: 'not reproduced',
  },
  {
    id: '2008-move',
    source: SOURCE,
    statement: 'SPLICE_F_MOVE makes no difference',
    place: 'anywhere',
    needs: null,
    judged: {
      scenario: 'claims-report',
      test: { kind: 'incidence', of: ['poc-no-move'], against: ['poc'], claimed: 'same' },
    },
    expected: 'not reproduced',
  },
  {
    id: '2008-move-speed',
    source: SOURCE,
    statement: 'SPLICE_F_MOVE makes no difference (as to speed: within 10 %)',
    place: 'anywhere',
    needs: null,
    judged: {
      scenario: 'claims-speed',
      test: {
        kind: 'ratio',
        of: 'splice-no-move',
        over: 'splice',
        metric: 'goodput',
        claimed: { from: 0.9, to: 1.1 },
      },
    },
    expected: null,
  },
  {
    id: '2008-nonblock',
    source: SOURCE,
    statement: 'without SPLICE_F_NONBLOCK the program blocks when the pipe is full',
    place: 'anywhere',
    needs: null,
    judged: { scenario: 'claims-block', test: { kind: 'stall', of: 'poc-blocks', against: 'poc' } },
    expected: 'supported',
  },
  {
    id: '2008-two-chunks',
    source: SOURCE,
    statement: 'the corruption comes where two chunks are sent at once',
    place: 'anywhere',
    needs: null,
    judged: {
      scenario: 'claims-report',
      test: {
        kind: 'incidence',
        of: ['poc-two-chunks'],
        against: ['poc-one-chunk'],
        claimed: 'more',
        by: 'joined_writes',
      },
    },
    expected: 'not reproduced',
  },
  {
    id: '2008-strace',
    source: SOURCE,
    statement: 'with strace attached the corruption looks different',
    place: 'anywhere',
    // Hard to reproduce under strace, it says first, and then that strace seems to help.
    needs: null,
    judged: {
      scenario: 'claims-report',
      test: {
        kind: 'incidence',
        of: ['poc under strace'],
        against: ['poc'],
        claimed: 'different',
      },
    },
    expected: 'not reproduced',
  },
];
