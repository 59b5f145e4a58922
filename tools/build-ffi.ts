/** Task `build:ffi`: builds the native libraries and programs where needed and prints their paths. */
import {
  buildInit,
  buildNamespaces,
  buildNss,
  buildShim,
  ShimBuildError,
} from "../ffi/build/mod.ts";

try {
  console.log((await buildShim()).path);
  console.log((await buildNss()).path);
  console.log((await buildNamespaces()).path);
  console.log((await buildInit()).path);
} catch (error) {
  if (!(error instanceof ShimBuildError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
