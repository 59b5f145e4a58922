/** Variables that would let the machine's own configuration into a test. */
const FOREIGN = /^(?:PACT_|OTEL_|RUST_LOG$|NO_COLOR$|FORCE_COLOR$)/;

/** This process's environment without what configures pact or its output. */
export function neutralEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !FOREIGN.test(name)),
  );
}
