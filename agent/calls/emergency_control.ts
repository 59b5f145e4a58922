import { config, shell, timestampFromMs } from "../../api/mod.ts";
import { checkLocalEnd, checkLocalStart, openedBy } from "../emergency/mod.ts";
import { type EntryContent, nodeEntry, type Queued, RefusedError } from "../entries/mod.ts";
import type { CallGrant } from "./access.ts";
import type { CallHandler } from "./call_server.ts";
import { grantAlone } from "./grant_alone.ts";
import { unaryCall } from "./handler.ts";
import type { CallNode } from "./node.ts";

const { method } = shell.ShellService;
const { EMERGENCY_START, EMERGENCY_END } = config.EntryType;

/** Where the policy does not say (EMG-1). */
const DEFAULT_WINDOW_SECONDS = 14_400;

/** Emergencies of a node that is alone (EMM-8): with a journal they are opened and ended there. */
export function emergencyCalls(node: CallNode): Record<string, CallHandler> {
  let isChanging = false;
  return {
    [method.emergencyControl.name]: unaryCall(
      method.emergencyControl,
      async (request, { caller }) => {
        const { operation } = request;
        if (operation !== "start" && operation !== "end") {
          throw new RefusedError("INVALID_ARGUMENT", "operation: start or end");
        }
        const action = `emergency_${operation}` as const;
        const standing = () => node.standing();
        const grant = await grantAlone(standing, caller, action, () => node.isAlone());
        if (isChanging) {
          throw new RefusedError("CONFLICT", "somebody else changes the emergency of this node");
        }
        isChanging = true;
        try {
          return await (operation === "start" ? start : end)(node, grant, request);
        } finally {
          isChanging = false;
        }
      },
    ),
  };
}

/** Opens an emergency: on record first, then in the queue for the journal, and then in force. */
async function start(
  node: CallNode,
  grant: CallGrant,
  { reason }: shell.EmergencyControlRequest,
) {
  const { emergency, clock } = node;
  checkLocalStart(emergency.session(), reason);
  const { author } = grant;
  const localId = `em-local-${node.newId().slice(0, 8)}`;
  const detail = `${localId} opened on the node alone: ${reason}`;
  await node.auditFirst("admin.emergency_start", author, detail);
  // While that was written one may have been heard of.
  checkLocalStart(emergency.session(), reason);
  const nowMs = clock.nowMs();
  const { requestId } = keep(node, grant, nowMs, {
    entryType: EMERGENCY_START,
    emergencyReason: reason,
  });
  const { principal } = author;
  await emergency.openHere({ id: localId, scope: "node", principal, reason, requestId });
  const seconds = node.standing().policy?.emergencyWindowSeconds || DEFAULT_WINDOW_SECONDS;
  return { sessionId: localId, expiresAt: timestampFromMs(nowMs + seconds * 1000) };
}

/** Ends the node's emergency, in the same order. */
async function end(node: CallNode, grant: CallGrant, { force }: shell.EmergencyControlRequest) {
  const { emergency, clock } = node;
  const { author } = grant;
  const { id } = checkLocalEnd(emergency.session(), author, force);
  const how = force ? " with force" : "";
  await node.auditFirst("admin.emergency_end", author, `${id} ended on the node alone${how}`);
  const open = checkLocalEnd(emergency.session(), author, force);
  const parent = openedBy(open);
  const content = {
    entryType: EMERGENCY_END,
    ...(parent === undefined ? {} : { parent }),
  };
  keep(node, grant, clock.nowMs(), content, force);
  await emergency.closeHere();
  return { sessionId: open.id };
}

/** It goes to the journal when one is there again. */
function keep(
  node: CallNode,
  { author, policyRef }: CallGrant,
  nowMs: number,
  content: EntryContent,
  force = false,
): Queued {
  const entry = nodeEntry(node.standing().nodeId, nowMs, author, { ...content, policyRef });
  return node.writer.keep({ entry, force });
}
