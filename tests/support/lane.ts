/** Set where files of tests run side by side (tools/lanes): `2/4` is the second lane of four. */
const LANE = "PACT_TEST_LANE";

/** This process's place among those that run tests side by side. */
export interface Lane {
  /** From 0 on. */
  readonly index: number;
  readonly count: number;
}

/** The lane this process runs in; undefined where it runs alone. */
export function ownLane(): Lane | undefined {
  // A program of a test may be one that sees no environment.
  if (Deno.permissions.querySync({ name: "env", variable: LANE }).state !== "granted") return;
  const [, number, count] = /^([1-9][0-9]?)\/([1-9][0-9]?)$/.exec(Deno.env.get(LANE) ?? "") ?? [];
  return number === undefined ? undefined : { index: Number(number) - 1, count: Number(count) };
}
