/** What a run of tests came to. */
export interface Count {
  /** Tests and steps of tests. */
  readonly passed: number;
  readonly failed: number;
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \((\d+) steps?\))? \| (\d+) failed(?: \((\d+) steps?\))?/gm;

/**
 * Adds up the summary lines of `deno test` in its uncoloured output.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(countOf("ok | 3 passed (2 steps) | 0 failed | 1 ignored (2s)\n"), { passed: 5, failed: 0 });
 * ```
 */
export function countOf(output: string): Count {
  let [passed, failed] = [0, 0];
  for (const [, tests, steps, failedTests, failedSteps] of output.matchAll(SUMMARY)) {
    passed += Number(tests) + Number(steps ?? 0);
    failed += Number(failedTests) + Number(failedSteps ?? 0);
  }
  return { passed, failed };
}
