/** Task `build:ffi`: builds the native libraries where needed and prints their paths. */
import { buildNamespaces, buildNss, buildShim, ShimBuildError } from "../ffi/build/mod.ts";

try {
  console.log((await buildShim()).path);
  console.log((await buildNss()).path);
  console.log((await buildNamespaces()).path);
} catch (error) {
  if (!(error instanceof ShimBuildError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
