/** Task `build:ffi`: builds the native library where needed and prints its path. */
import { buildShim, ShimBuildError } from "../ffi/build/mod.ts";

try {
  console.log((await buildShim()).path);
} catch (error) {
  if (!(error instanceof ShimBuildError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
