import { join } from "node:path";
import { buildLibrary, type BuildOptions, type BuiltLibrary } from "./build_library.ts";

/** Where the C files of PID 1 are. */
export const INIT_SOURCES: string = join(import.meta.dirname ?? ".", "..", "init");

/** The times of a build for tests; see init.h for what they are. */
const TEST_TIMES = {
  TICK_MS: 20,
  START_GRACE_MS: 1_500,
  RESTART_WINDOW_MS: 60_000,
  RESTART_DELAY_MS: 10,
  UPGRADE_LIMIT_MS: 5_000,
  STOP_LIMIT_MS: 1_000,
  TERM_LIMIT_MS: 500,
  KILL_LIMIT_MS: 2_000,
  UNMOUNT_LIMIT_MS: 2_000,
  WATCHDOG_SECONDS: 1,
};

/** Builds PID 1. Throws ShimBuildError. */
export function buildInit(options: BuildOptions = {}): Promise<BuiltLibrary> {
  return buildLibrary({ sources: INIT_SOURCES, name: "pact-init", kind: "program" }, options);
}

/** Builds PID 1 in a hurry, for tests; under sanitizers where asked. Throws ShimBuildError. */
export function buildTestInit(
  { sanitized, ...options }: BuildOptions & { sanitized: boolean },
): Promise<BuiltLibrary> {
  return buildLibrary({
    sources: INIT_SOURCES,
    name: sanitized ? "pact-init-sanitized" : "pact-init-test",
    kind: sanitized ? "sanitizedProgram" : "program",
    flags: Object.entries(TEST_TIMES).map(([name, value]) => `-D${name}=${value}`),
  }, options);
}
