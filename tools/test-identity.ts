/**
 * Task `test:identity`: who gets in, and who does not, shown on real servers: OPA, SPIRE, an OpenID
 * provider, journals, agents and `pact`. Builds the peers first, takes files of tests to run only those,
 * ends with `identity: N passed, M failed`, and exits 1 when a test failed.
 */
import { runInLanes, testFiles } from "./lanes/mod.ts";
import { buildPeer, isPeer, PeerBuildError, PEERS } from "./peers/mod.ts";

const root = new URL("../", import.meta.url).pathname;

for (const peer of Object.keys(PEERS).filter(isPeer)) {
  try {
    const { isNew } = await buildPeer(peer);
    if (isNew) console.log(`built ${peer}`);
  } catch (error) {
    if (!(error instanceof PeerBuildError)) throw error;
    // Its tests say that they are ignored, or fail in CI.
    console.error(error.message);
  }
}

const paths = Deno.args.length > 0 ? Deno.args : [`${root}tests/identity`];
const { passed, failed, failedFiles } = await runInLanes(await testFiles(paths), {
  lanes: 2 * navigator.hardwareConcurrency,
  root,
  say: (text) => console.log(text),
});
for (const file of failedFiles) console.log(`failed: ${file}`);
console.log(`identity: ${passed} passed, ${failed} failed`);
if (failedFiles.length > 0) Deno.exit(1);
