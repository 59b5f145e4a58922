import type { agentport } from "../../api/mod.ts";
import type { Node } from "../node/mod.ts";

/** Puts on record how the node came to its certificate (NEN-8, ROT-3). */
export function recordIdentity(
  node: Pick<Node, "record">,
  identity: agentport.NodeIdentity,
  former: string,
): void {
  const { serial, previousSerial, nodeId } = identity;
  if (serial === former) return;
  if (previousSerial === "") node.record("enrollment.activated", `${nodeId}, serial ${serial}`);
  else node.record("enrollment.cert_renewed", `serial ${previousSerial}, now ${serial}`);
}
