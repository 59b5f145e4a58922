import { create } from "@bufbuild/protobuf";
import { agentport, type journal, type stream } from "../../api/mod.ts";
import { counterFromWire } from "../../common/wire/mod.ts";
import type { BootConfig } from "./boot_stream.ts";
import { entryOf } from "./refresh.ts";

/** Keeps what the node knows of emergencies that cover it as new as the journal's (EMM-1). */
export class EmergencyFollower {
  /** Updates before this sequence tell of what was there when all were asked for. */
  #knownUpTo = 0;

  constructor(private readonly onEmergency: (emergency: agentport.Emergency) => void) {}

  /**
   * Takes over which are open as contact is made: some may have been opened, ended or merged while
   * there was none, or no agent. Whatever changes from then on is in the updates.
   */
  refresh({ emergencies, nextSequence }: BootConfig): void {
    // A journal of an earlier version does not say.
    if (emergencies === undefined) return;
    this.#knownUpTo = nextSequence;
    const open = emergencies.map(openAs);
    // What is open first, or the node would think for a moment that all is over.
    for (const emergency of open) this.onEmergency(emergency);
    for (const scope of ["node", "vcluster"]) {
      if (open.some((each) => each.scope === scope)) continue;
      this.onEmergency(create(agentport.EmergencySchema, { scope, isOpen: false }));
    }
  }

  /** Takes what an update says of emergencies. */
  heard({ sequence, update }: Pick<stream.ConfigUpdate, "sequence" | "update">): void {
    const emergency = emergencyIn(update);
    if (emergency === undefined || counterFromWire(sequence) < this.#knownUpTo) return;
    this.onEmergency(emergency);
  }
}

function openAs({ id, scope, principal, reason }: journal.EmergencySession): agentport.Emergency {
  return create(agentport.EmergencySchema, {
    sessionId: id,
    scope: scope?.scope.case === "nodeId" ? "node" : "vcluster",
    principal,
    reason,
    isOpen: true,
  });
}

/** What an update says of emergencies that cover this node; undefined when nothing (EMM-1, EMG-1). */
function emergencyIn(
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
