/** Task `test:ffi-asan`: the C tests of the native libraries, and the tests of PID 1, under
 * AddressSanitizer and UndefinedBehaviorSanitizer; prints `N passed, M failed` for each and exits 1
 * when one failed. */
import { join } from "node:path";
import {
  buildSanitized,
  INIT_SOURCES,
  NSS_SOURCES,
  SHIM_SOURCES,
  ShimBuildError,
  TRACEFS_SOURCES,
} from "../ffi/build/mod.ts";

const root = join(import.meta.dirname ?? ".", "..");
const cache = join(root, ".cache", "ffi");
const tests = join(root, "tests", "unit", "ffi", "asan");

const PROGRAMS = [
  { sources: SHIM_SOURCES, testDirectory: tests, program: join(cache, "asan-tests") },
  {
    sources: NSS_SOURCES,
    testDirectory: join(tests, "nss"),
    program: join(cache, "nss-asan-tests"),
    flags: ["-DPACT_NSS_TEST"],
  },
  {
    sources: TRACEFS_SOURCES,
    testDirectory: join(tests, "tracefs"),
    program: join(cache, "tracefs-asan-tests"),
  },
  {
    // The rest of PID 1 is tested as PID 1, below.
    sources: INIT_SOURCES,
    names: ["epoch.c"],
    testDirectory: join(tests, "init"),
    program: join(cache, "init-asan-tests"),
  },
];

async function run(program: string): Promise<number> {
  const { code } = await new Deno.Command(program, {
    env: { ASAN_OPTIONS: "detect_leaks=1", UBSAN_OPTIONS: "print_stacktrace=1" },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return code;
}

/** The tests of PID 1, which choose its build by the environment. */
async function runInitTests(): Promise<number> {
  const directory = join(root, "tests", "real", "ffi");
  const names = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  const files = names.filter((name) => /^init_.*_test\.ts$/.test(name)).sort();
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-P=test", ...files.map((name) => join(directory, name))],
    env: { PACT_INIT_SANITIZED: "1", ASAN_OPTIONS: "detect_leaks=0" },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return code;
}

try {
  await Deno.mkdir(cache, { recursive: true });
  let worst = 0;
  for (const plan of PROGRAMS) {
    await buildSanitized(plan);
    worst = Math.max(worst, await run(plan.program));
  }
  Deno.exit(Math.max(worst, await runInitTests()));
} catch (error) {
  if (!(error instanceof ShimBuildError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
