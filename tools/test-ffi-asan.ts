/** Task `test:ffi-asan`: the C tests of the native library under AddressSanitizer and
 * UndefinedBehaviorSanitizer; prints `N passed, M failed` and exits 1 when one failed. */
import { join } from "node:path";
import { buildSanitized, ShimBuildError } from "../ffi/build/mod.ts";

const root = join(import.meta.dirname ?? ".", "..");
const cache = join(root, ".cache", "ffi");
const program = join(cache, "asan-tests");

try {
  await Deno.mkdir(cache, { recursive: true });
  await buildSanitized({ testDirectory: join(root, "tests", "unit", "ffi", "asan"), program });
  const { code } = await new Deno.Command(program, {
    env: { ASAN_OPTIONS: "detect_leaks=1", UBSAN_OPTIONS: "print_stacktrace=1" },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  Deno.exit(code);
} catch (error) {
  if (!(error instanceof ShimBuildError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
