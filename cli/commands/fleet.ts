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
