import type { journal } from "../../api/mod.ts";
import type { Journal } from "../session/mod.ts";

/** Nodes asked for at once; the journal may answer with fewer. */
const PAGE_SIZE = 500;

/** Pages followed at most: far more nodes than any site has. */
const MAX_PAGES = 1000;

/** Which nodes. */
export interface NodeFilter {
  readonly vclusterId: string;
  readonly stateFilter: string;
}

/** Every node that matches and that the caller may see, with the warnings about them. */
export async function listNodeStates(
  { peer, fleet }: Journal,
  filter: NodeFilter,
): Promise<{ nodes: journal.NodeStateDetail[]; warnings: journal.HomogeneityWarning[] }> {
  const nodes: journal.NodeStateDetail[] = [];
  const warnings: journal.HomogeneityWarning[] = [];
  let pageToken = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const request = { ...filter, pageSize: PAGE_SIZE, pageToken };
    const answer = await peer.read((options) => fleet.listNodeStates(request, options));
    nodes.push(...answer.nodes);
    warnings.push(...answer.warnings);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  return { nodes, warnings };
}

/** Agents asked at once (CLI-94). */
const MAX_PARALLEL = 50;

/** Does `work` for every node, a bounded number at a time; the results are in the nodes' order. */
export async function forEachNode<Result>(
  nodes: readonly journal.NodeStateDetail[],
  work: (nodeId: string) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = nodes.map(({ nodeId }, index) => ({ nodeId, index }));
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results[next.index] = await work(next.nodeId);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, nodes.length) }, worker));
  return results;
}
