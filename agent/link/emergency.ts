import { create } from "@bufbuild/protobuf";
import { agentport, type stream } from "../../api/mod.ts";
import { entryOf } from "./refresh.ts";

/** What an update says of emergencies that cover this node; undefined when nothing (EMM-1, EMG-1). */
export function emergencyIn(
  update: stream.ConfigUpdate["update"],
): agentport.Emergency | undefined {
  if (update.case !== "nodeChange" && update.case !== "vclusterChange") return undefined;
  const entry = entryOf(update.value);
  const isOpen = entry.entry_type === "EmergencyStart";
  if (!isOpen && entry.entry_type !== "EmergencyEnd") return undefined;
  return create(agentport.EmergencySchema, {
    // As the journal names it.
    sessionId: isOpen ? `em-${entry.sequence}` : "",
    scope: update.case === "nodeChange" ? "node" : "vcluster",
    principal: entry.author.principal,
    reason: entry.emergency_reason ?? "",
    isOpen,
  });
}
