/** The plan of a scripted conversation, as a scenario or a case of the conformance suite has it. */

import type { Prefix } from './words.js';

/** A size, or the word that stands for each of the script's sizes in turn. */
export type ScriptBytes = number | 'size';

/** One step of one end. Sizes in bytes, times in seconds, rates in bytes per second. */
export interface ScriptStep {
  do: 'send' | 'finish' | 'read' | 'pause' | 'wait' | 'urgent' | 'close' | 'reset';
  /** As it was written, for messages. */
  text: string;
  /** A name that waits of the other end and expectations can use; null = none. */
  as: string | null;
  until: 'done' | 'end' | 'blocked' | 'held' | 'still' | 'arrived' | 'other' | 'noticed';
  by: 'send' | 'sendfile' | 'splice' | 'slots';
  bytes: ScriptBytes;
  piece: number;
  interval: number;
  rate: number;
  for: number;
  quiet: number;
  /** When it has failed. */
  within: number;
  finish: boolean;
  /** Of `until: other`: the step of the other end that must be over. */
  other: string | null;
}

export interface ScriptEnd {
  steps: ScriptStep[];
  rcvbuf: number | null;
  sndbuf: number | null;
  mss: number | null;
  nodelay: boolean;
}

/**
 * What an end must have seen when all is over. `everything`: all that the other end sent, then its end in
 * order. `reset`: a reset, what came before it intact. `reset-or-everything`: one of both, never a short
 * stream in good order. `intact`: no wrong byte, whatever the end.
 */
export const END_EXPECTATIONS = ['everything', 'reset', 'reset-or-everything', 'intact'] as const;
export type EndExpectation = (typeof END_EXPECTATIONS)[number];

export type ScriptSide = 'client' | 'server';

export interface ScriptExpectations {
  client: EndExpectation;
  server: EndExpectation;
  /** Steps that may take so long at most, seconds; steps of one name are judged each. */
  within: { end: ScriptSide; step: string; time: number }[];
  /** A step during which the forwarder uses less than this share of a CPU. */
  idle: { end: ScriptSide; step: string; cpu: number } | null;
  /** Descriptors and sockets of the forwarder are as before within 2 s of the end. */
  residue: boolean;
}

export interface ScriptPlan {
  /** What the forwarder sends to the server before each stream; the server's steps begin behind it. */
  prefix: Prefix | null;
  client: ScriptEnd;
  server: ScriptEnd;
  /** Conversations, one round of `connections` after the other. */
  repeat: number;
  /** Values of `size`, each with all its repeats; empty = the script uses none. */
  sizes: number[];
  expect: ScriptExpectations;
}
