/** The rooms of the kinds of workload: their schemas against the types of a plan. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { z } from 'zod';
import type { GivesPlan, Kind } from '../../src/experiment/workload/common/room.js';
import { ROOMS } from '../../src/experiment/workload/rooms.js';
import { completeWorkload, workloadSchema } from '../../src/experiment/workload/schema.js';

type Http = typeof ROOMS.http;
/** The room of http with other fields. */
interface With<Fields> {
  fields: Omit<Http['fields'], keyof Fields> & Fields;
  defaults: Http['defaults'];
}

describe("a kind's room", () => {
  it('has a schema that gives the type of the plan', () => {
    // Does not compile where a schema gives something else.
    const agree: { readonly [K in Kind]: GivesPlan<K, (typeof ROOMS)[K]> } = {
      stream: true,
      exchange: true,
      churn: true,
      http: true,
      script: true,
    };
    assert.deepEqual(Object.keys(agree), Object.keys(ROOMS));
  });

  it('would be found to give something else', () => {
    const verdicts: [
      GivesPlan<'http', With<{ body: z.ZodString }>>,
      GivesPlan<'http', With<{ body: z.ZodNullable<z.ZodNumber> }>>,
      GivesPlan<'http', { fields: Pick<Http['fields'], 'body'>; defaults: Http['defaults'] }>,
    ] = [false, false, false];
    assert.ok(!verdicts.some(Boolean));
  });

  for (const [kind, { fields, defaults }] of Object.entries(ROOMS)) {
    it(`has a default for every key of ${kind}, and a place in the file's schema`, () => {
      const keys = Object.keys(fields);
      assert.deepEqual(Object.keys(defaults).toSorted(), [...keys, 'direction'].toSorted());
      assert.deepEqual(
        keys.filter((key) => !(key in workloadSchema.shape)),
        [],
      );
    });
  }

  it('fills nothing in before the kind is known', () => {
    assert.deepEqual(workloadSchema.parse({}), {});
  });

  it('names the kinds that have a key', () => {
    const { problems } = completeWorkload({ kind: 'script', body: 1 });
    assert.deepEqual(
      problems.filter(({ wrongKey }) => wrongKey).map(({ message }) => message),
      ['workload.body belongs to kind: churn, http, not to script'],
    );
  });
});
