import { agentport } from "../../api/mod.ts";
import type { Node } from "../node/mod.ts";

/** Puts on record how the node came to its certificate (NEN-8, ROT-3). */
export function recordIdentity(
  node: Pick<Node, "record">,
  identity: agentport.NodeIdentity,
  former: agentport.NodeIdentity | undefined,
): void {
  const { serial, previousSerial, nodeId } = identity;
  if (serial === former?.serial) return;
  if (isSvid(identity)) {
    // SPIRE replaces them every few minutes and keeps records of that itself.
    if (former === undefined || !isSvid(former)) {
      node.record("boot.spire_svid_acquired", `${nodeId}, serial ${serial}`);
    }
    return;
  }
  if (previousSerial === "") node.record("enrollment.activated", `${nodeId}, serial ${serial}`);
  else node.record("enrollment.cert_renewed", `serial ${previousSerial}, now ${serial}`);
}

/** Whether SPIRE vouches for the identity. */
export function isSvid({ source }: agentport.NodeIdentity): boolean {
  return source === agentport.IdentitySource.SPIRE;
}
