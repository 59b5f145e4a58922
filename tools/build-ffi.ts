/** Task `build:ffi`: builds the native libraries and programs where needed and prints their paths. */
import {
  buildInit,
  buildNamespaces,
  buildNss,
  buildProbe,
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

// Not every machine has what it takes, and an agent works without (OBS-12).
try {
  console.log((await buildProbe()).path);
} catch (error) {
  if (!(error instanceof ShimBuildError)) throw error;
  console.log(`pact-probe is left out: ${error.message.split("\n", 2).join(" ")}`);
}
