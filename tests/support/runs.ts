/**
 * How often a property is tried: `few` times in the gate, `many` times where `deno task test:properties` asks
 * for it.
 */
export function runs(few: number, many: number): number {
  return Deno.env.get("PACT_TEST_RUNS") === "many" ? many : few;
}
