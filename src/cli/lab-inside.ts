/** `splicebench lab-inside FILE`: what runs in the lab's guest. Not for people. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CouldNotRunError } from '../base/errors/errors.js';
import { runCommand } from '../base/process/namespace-holder.js';
import { native } from '../data/native/native.js';
import { type PortState, readPortState } from '../machine/host/port-state.js';
import { LiveExecutor } from '../experiment/trial/live-executor.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { loadCases, onPorts } from '../tasks/conformance/case.js';
import { contestants } from '../tasks/conformance/contestants.js';
import { runSuite } from '../tasks/conformance/suite.js';
import { cellText } from '../tasks/conformance/judge-case.js';
import { BUG_MODULE } from '../tasks/lab/bug-module.js';
import type { Card } from '../tasks/lab/cards.js';
import { GUEST_PACKAGE } from '../tasks/lab/guest-files.js';
import { GuestMishaps } from '../tasks/lab/guest-mishaps.js';
import {
  CONFORMANCE_FILE,
  type GuestConformance,
  type GuestPlan,
  HOOK_COUNTS,
  HOOK_FILE,
  type HookCounts,
  hookRecord,
  PORTS_FILE,
} from '../tasks/lab/guest-plan.js';
import { BEAT_STEP, SAID } from '../tasks/lab/init-script.js';
import { executeRun } from './run.js';

/** A card negotiates its speed for seconds, emulated ones too. Milliseconds. */
const CARRIER_TIMEOUT = 30_000;
const POLL = 100;
/** So often the guest says that it is there, milliseconds. */
const BEAT = 15_000;

export async function labInside([file = '']: readonly string[]): Promise<void> {
  const plan = JSON.parse(readFileSync(file, 'utf8')) as GuestPlan;
  const beat = setInterval(() => {
    say(BEAT_STEP, othersRunning());
  }, BEAT);
  const wires = plan.nic === 'tap' ? tapWires(plan.cards) : null;
  try {
    if (wires === null) await nameCards(plan.cards);
    await seat(plan.cards);
    say('cards', plan.cards.map(({ name }) => name).join(' '));
    const portsBefore = await freePorts(plan.cards);
    const mishaps = new GuestMishaps(plan.mishaps, plan.out, say);
    if (plan.conformance !== null) await conformInside(plan.conformance, plan.out);
    try {
      if (plan.scenarios.length > 0) await runInside(plan, mishaps);
    } catch (error) {
      // A port whose driver is gone cannot be put back: that it is said is what is looked for.
      if (!mishaps.explain(error)) throw error;
    }
    if (await mishaps.end()) await nameCards(plan.cards);
    storePorts(plan, portsBefore, await freePorts(plan.cards));
  } finally {
    clearInterval(beat);
    wires?.stop();
  }
}

/** Runs what is asked for, and says each trial. */
async function runInside(plan: GuestPlan, mishaps: GuestMishaps): Promise<void> {
  let before: HookCounts | null = null;
  await executeRun(
    plan.scenarios,
    { out: plan.out, ...(plan.seed === null ? {} : { seed: plan.seed }) },
    // The host makes the report from what is stored.
    null,
    (event) => {
      mishaps.take(event);
      if (event.event === 'trial-start') {
        before = plan.bug ? hookCounts() : null;
        say('trial', `${event.trial_id}: ${event.forwarder}`);
      }
      if (event.event !== 'trial-end') return;
      const { trial_id, forwarder, outcome, incidents } = event.record;
      const found = incidents === null ? '' : `, incidents ${incidents}`;
      say('inside', `${trial_id}: ${forwarder} ${outcome}${found}`);
      if (before === null) return;
      const met = hookRecord(trial_id, before, hookCounts());
      appendFileSync(join(plan.out, HOOK_FILE), `${JSON.stringify(met)}\n`);
    },
  );
}

/**
 * Plays cases on ports of the guest, one at a time; what comes of them is judged on the host, and kept from the
 * first cell on, should the guest die.
 */
async function conformInside(wish: GuestConformance, out: string): Promise<void> {
  const cases = (await loadCases(wish.cases)).map((one) => onPorts(one, wish.topology));
  const executor = new LiveExecutor();
  const end = performance.now() + wish.seconds * 1e3;
  const minutes = wish.seconds / 60;
  const file = join(out, CONFORMANCE_FILE);
  try {
    const matrix = await runSuite({
      cases,
      contestants: contestants(forwarderKinds, wish.only),
      executor,
      signal: new AbortController().signal,
      thorough: false,
      alone: true,
      over: () =>
        performance.now() < end ? null : `the ${minutes} min for the cases were over (--minutes)`,
      onCell: (cell, soFar) => {
        const seconds = cell.seconds.toFixed(1);
        const why = cell.verdict === 'pass' ? '' : `: ${cell.reasons[0] ?? ''}`;
        say('inside', `${cell.case}: ${cell.forwarder}: ${cellText(cell)} (${seconds} s)${why}`);
        writeFileSync(file, JSON.stringify(soFar()));
      },
    });
    writeFileSync(file, JSON.stringify(matrix));
  } finally {
    await executor.close();
  }
}

/** Cards that the topology `nic` takes, as they are while it has not. */
async function freePorts(cards: readonly Card[]): Promise<PortState[]> {
  return Promise.all(
    cards.flatMap(({ name, seat }) => (seat === null ? [readPortState(name)] : [])),
  );
}

/** Whether they were put back as they were is for whoever reads it to compare. */
function storePorts(
  { out }: GuestPlan,
  before: readonly PortState[],
  after: readonly PortState[],
): void {
  if (before.length === 0) return;
  const lines = [
    { when: 'before', ports: before },
    { when: 'after', ports: after },
  ];
  writeFileSync(join(out, PORTS_FILE), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** What else runs, for the last words of a guest that gets nowhere. */
function othersRunning(): string {
  const commands = readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() || [];
    } catch {
      return [];
    }
  });
  return commands
    .map((one) => one.replaceAll(`${GUEST_PACKAGE}/`, '').slice(0, 80))
    .join('; ')
    .slice(0, 600);
}

function say(step: string, text: string): void {
  process.stdout.write(`${SAID} ${step} ${text}\n`);
}

function tapWires(cards: readonly Card[]): { stop(): void } {
  const wires = new (native().TapWires)(cards.map(({ name }) => name));
  wires.start((error) => {
    if (error !== null) process.stderr.write(`splicebench: wires: ${error}\n`);
  });
  return wires;
}

/** Gives each emulated card its name; they are told by their addresses. */
async function nameCards(cards: readonly Card[]): Promise<void> {
  const found = new Map(
    readdirSync('/sys/class/net').map((name) => [
      readFileSync(`/sys/class/net/${name}/address`, 'utf8').trim(),
      name,
    ]),
  );
  for (const { name, mac } of cards) {
    const given = found.get(mac);
    if (given === undefined) {
      const there = [...found.values()].join(', ');
      throw new CouldNotRunError(
        `the guest has no interface for ${name} (it has ${there}): the card has no driver`,
      );
    }
    if (given !== name) await must(['ip', 'link', 'set', 'dev', given, 'name', name]);
  }
}

/** Puts each card into its namespace, up and with its address, and waits for the links. */
async function seat(cards: readonly Card[]): Promise<void> {
  const namespaces = new Set(cards.flatMap(({ seat }) => seat?.namespace ?? []));
  for (const name of namespaces) {
    await must(['ip', 'netns', 'add', name]);
    await must(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
  }
  for (const { name, seat } of cards) {
    if (seat === null) continue;
    await must(['ip', 'link', 'set', 'dev', name, 'netns', seat.namespace]);
    const there = ['ip', '-n', seat.namespace];
    await must([...there, 'address', 'add', `${seat.address}/24`, 'dev', name]);
    await must([...there, 'link', 'set', 'dev', name, 'up']);
  }
  const deadline = performance.now() + CARRIER_TIMEOUT;
  for (const { name, seat } of cards) {
    if (seat === null) continue;
    const carrier = ['ip', 'netns', 'exec', seat.namespace, 'grep', '-qx', '1'];
    while ((await runCommand([...carrier, `/sys/class/net/${name}/carrier`])) !== null) {
      if (performance.now() > deadline) {
        throw new CouldNotRunError(`${name} has no carrier after ${CARRIER_TIMEOUT / 1e3} s`);
      }
      await sleep(POLL);
    }
  }
}

async function must(argv: readonly string[]): Promise<void> {
  const failure = await runCommand(argv);
  if (failure !== null) throw new CouldNotRunError(`${argv.join(' ')}: ${failure}`);
}

function hookCounts(): HookCounts {
  const read = (name: string) =>
    Number(readFileSync(`/sys/module/${BUG_MODULE}/parameters/${name}`, 'utf8'));
  return Object.fromEntries(HOOK_COUNTS.map((name) => [name, read(name)])) as HookCounts;
}
