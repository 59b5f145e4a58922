/**
 * Task `test:identity`: who gets in, and who does not, shown on real servers: OPA, SPIRE, an OpenID
 * provider, journals, agents and `pact`. Builds the peers first, takes files of tests to run only those,
 * ends with `identity: N passed, M failed`, and exits 1 when a test failed.
 */
import { buildPeer, isPeer, PeerBuildError, PEERS } from "./peers/mod.ts";

const root = new URL("../", import.meta.url).pathname;
const reportPath = `${root}.cache/identity-tests.xml`;

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

const files = Deno.args.length > 0 ? Deno.args : ["tests/identity"];
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-P=test", `--junit-path=${reportPath}`, ...files],
  cwd: root,
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).output();

const { tests, failures } = await outcome();
console.log(`identity: ${tests - failures} passed, ${failures} failed`);
Deno.exit(code);

/** How many tests, and steps of tests, ran and failed; those that were ignored did not run. */
async function outcome(): Promise<{ tests: number; failures: number }> {
  const report = await Deno.readTextFile(reportPath);
  const count = (element: RegExp) => [...report.matchAll(element)].length;
  return {
    tests: count(/<testcase /g) - count(/<skipped/g),
    failures: count(/<(failure|error)\b/g),
  };
}
