import {
  create,
  type DescMessage,
  type JsonObject,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { capability, config, journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { counterFromWire, deltaFromWire, instantFromWire, present } from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { configStateOf } from "./config_state.ts";
import { callerOf, ownNodeOf, type ServiceContext, waitSignalOf } from "./context.ts";

/** Largest capability report kept, in bytes of its JSON (journal.md 2.3). */
const MAX_REPORT_BYTES = 32 * 1024;

/** As the state keeps them. */
const MAX_UNAVAILABLE = 100;
const MAX_UNAVAILABLE_CHARS = 512;

/** What an agent says of its own node (JRN-26). */
export async function reportNodeState(
  context: ServiceContext,
  request: journal.NodeStateDetail,
  call: HandlerContext,
): Promise<journal.ReportAck> {
  const caller = callerOf(call);
  const nodeId = requireOwnNode(call, request.nodeId);
  const state = configStateOf(request.configState);
  await context.replica.submit({
    type: "UpdateNodeState",
    node_id: nodeId,
    active_sessions: request.activeSessions,
    report: {
      state,
      ...present("drift", request.drift && magnitude(request.drift)),
      ...present("drift_items", request.driftItems && driftItems(request.driftItems)),
      ...present(
        "supervisor",
        request.supervisor &&
          documentOf(capability.SupervisorStatusSchema, request.supervisor),
      ),
      ...present(
        "window_deadline",
        request.windowDeadline && instantFromWire(request.windowDeadline),
      ),
      overlay_version: counterFromWire(request.overlayVersion),
      applied_sequence: counterFromWire(request.appliedSequence),
      memory_total: counterFromWire(request.memoryTotal),
      memory_available: counterFromWire(request.memoryAvailable),
      gpus_total: request.gpusTotal,
      gpus_healthy: request.gpusHealthy,
      gpus_degraded: request.gpusDegraded,
      ...present("unavailable", unavailableTexts(request.unavailable)),
    },
  }, { actor: identityOf(caller, caller.principal.roles[0] ?? ""), signal: waitSignalOf(call) });
  return create(journal.ReportAckSchema, {
    appliedSequence: BigInt(Math.max(context.replica.appliedSequence, 0)),
  });
}

/** Keeps what an agent found out about its machine, bounded (journal.md 2.3). */
export async function reportCapability(
  context: ServiceContext,
  request: capability.CapabilityReport,
  call: HandlerContext,
): Promise<journal.ReportAck> {
  const caller = callerOf(call);
  const nodeId = requireOwnNode(call, request.nodeId);
  const report = documentOf(capability.CapabilityReportSchema, request);
  if (JSON.stringify(report).length > MAX_REPORT_BYTES) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `capability report larger than ${MAX_REPORT_BYTES} bytes`,
    );
  }
  await context.replica.submit(
    { type: "ReportCapability", node_id: nodeId, report },
    { actor: identityOf(caller, caller.principal.roles[0] ?? ""), signal: waitSignalOf(call) },
  );
  return create(journal.ReportAckSchema, {
    appliedSequence: BigInt(Math.max(context.replica.appliedSequence, 0)),
  });
}

function requireOwnNode(call: HandlerContext, nodeId: string): string {
  const own = ownNodeOf(callerOf(call)).nodeId;
  if (own !== nodeId) {
    throw new PactError("PERMISSION_DENIED", `this certificate is of node ${own}`);
  }
  return own;
}

/** Drift items as the document form of a delta; the two messages share their element types. */
/** Bounded, and absent where there is nothing to say. */
function unavailableTexts(texts: readonly string[]): string[] | undefined {
  if (texts.length === 0) return undefined;
  return texts.slice(0, MAX_UNAVAILABLE).map((text) => text.slice(0, MAX_UNAVAILABLE_CHARS));
}

function driftItems({ $typeName: _type, $unknown: _unknown, ...items }: config.DriftVector) {
  return deltaFromWire(create(config.StateDeltaSchema, items));
}

function magnitude(message: config.DriftMagnitude): Record<string, number> {
  const { mounts, files, network, services, kernel, packages, gpu, total } = message;
  return { mounts, files, network, services, kernel, packages, gpu, total };
}

/**
 * A message as the document that is kept of it.
 *
 * @throws {PactError} INVALID_ARGUMENT for values that have no JSON form, such as a time before year 1.
 */
function documentOf<Type extends DescMessage>(
  type: Type,
  message: MessageShape<Type>,
): JsonObject {
  let json: unknown;
  try {
    json = toJson(type, message);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PactError("INVALID_ARGUMENT", `report refused: ${reason}`);
  }
  return typeof json === "object" && json !== null && !Array.isArray(json) ? { ...json } : {};
}
