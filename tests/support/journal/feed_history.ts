import { systemClock } from "../../../common/clock/mod.ts";
import type { Identity } from "../../../common/model/mod.ts";
import { openReplica, type Replica } from "../../../journal/replica/mod.ts";
import type { CommandInput } from "../../../journal/state/mod.ts";
import { append, commit } from "./commands.ts";
import { AGENT, ANN } from "./identities.ts";

/** Nodes and vClusters that the entries are about. */
const NODES = 10_000;
const VCLUSTERS = 20;
/** Every so many entries one is of a vCluster, and every so many it declares something. */
const VCLUSTER_SHARE = 1_000;
const DECLARATION_SHARE = 10;
/** Keys that each declaration is about one of: later ones supersede earlier ones. */
const KEYS = 50;
/** Writers that wait at once: the log takes what waits together. */
const WRITERS = 2_000;

/**
 * Writes a site's history of `entries` entries into a data directory that no journal uses, through
 * the journal's own log and state: reports of 10,000 nodes, and among them changes of nodes and of
 * vClusters, each with a request id of its own. The first entry is of vCluster `vc0` and says
 * `entry 0`.
 */
export async function feedHistory(dataDir: string, entries: number): Promise<void> {
  const replica = await openReplica({ dataDir, clock: systemClock, random: Math.random });
  try {
    await submit(replica, 0);
    const numbers = Array.from({ length: entries - 1 }, (_, at) => at + 1).values();
    await Promise.all(Array.from({ length: WRITERS }, async () => {
      for (const number of numbers) await submit(replica, number);
    }));
  } finally {
    await replica.close();
  }
}

async function submit(replica: Replica, number: number): Promise<void> {
  const [command, actor] = stepOf(number);
  await replica.submit(command, { actor, requestId: `feed-${number}` });
}

function stepOf(number: number): readonly [CommandInput, Identity] {
  const message = `entry ${number}`;
  const isOfVCluster = number % VCLUSTER_SHARE === 0;
  if (!isOfVCluster && number % DECLARATION_SHARE !== 0) {
    const scope = { Node: `n${number % NODES}` };
    return [append({ entry_type: "CapabilityChange", scope, author: AGENT, message }), AGENT];
  }
  const turn = Math.floor(number / (isOfVCluster ? VCLUSTER_SHARE : NODES));
  const scope = isOfVCluster
    ? { VCluster: `vc${turn % VCLUSTERS}` }
    : { Node: `n${number % NODES}` };
  const values = { [`kernel.key_${turn % KEYS}`]: `${number}` };
  return [commit(scope, values, { message }), ANN];
}
