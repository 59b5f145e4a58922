import type { Site } from "../../tests/support/site/mod.ts";
import { repositoryRoot } from "../../tests/support/mod.ts";

/** Says how to use the cluster from another terminal, and waits until it is to end. */
export async function keepRunning(site: Site, stopped: Promise<unknown>): Promise<void> {
  console.log(`
The cluster keeps running. In another terminal:

  cd ${site.directory}
  export PACT_CONFIG=${site.configOf("ana")}
  alias pact='${Deno.execPath()} run --quiet -P=cli --config ${repositoryRoot}deno.json ${repositoryRoot}cli/main.ts'
  pact status

ben, who operates the vCluster, has his own: export PACT_CONFIG=${site.configOf("ben")}
Ctrl-C here stops everything and removes the directory.`);
  await stopped;
}
