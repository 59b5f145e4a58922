import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { enrollment } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import { peerKey } from "../../common/rpc_server/mod.ts";
import { present } from "../../common/wire/mod.ts";
import type { Enroller } from "../enrollment/mod.ts";
import { type IdentityStrength, normalizeHardware, weakness } from "../enrollment/mod.ts";
import type { CommandInput, CommandResult } from "../state/mod.ts";
import { callerOf, callerWithRole, ownNodeOf, type ServiceContext } from "./context.ts";
import { nodeIdFromWire, vclusterIdFromWire } from "./identifiers.ts";
import { inspectNode, listNodes } from "./node_listing.ts";
import { submitGranted } from "./submit_granted.ts";

/** Most nodes one batch may register (API-60). */
const MAX_BATCH = 10_000;
/** Registrations of a batch that are under way together, and so share writes of the log. */
const BATCH_AT_ONCE = 500;

/** What the site asks of its nodes. */
export interface EnrollmentSettings {
  readonly domainId: string;
  readonly minIdentity: IdentityStrength;
}

/** Enrolment of nodes and their vClusters (api.md section 6). */
export function enrollmentService(
  context: ServiceContext,
  enroller: Enroller,
  { domainId, minIdentity }: EnrollmentSettings,
): ServiceImpl<typeof enrollment.EnrollmentService> {
  const registry = new Registry(context, domainId, minIdentity);
  return {
    enroll: (request, call) => enroller.enroll(request, call.values.get(peerKey), call.signal),
    renewCert: async (request, call) => {
      const caller = callerOf(call);
      const { nodeId } = ownNodeOf(caller);
      const peer = { serial: caller.certificateSerial ?? "", source: caller.remoteAddress };
      return await enroller.renew(request, nodeId, peer, call.signal);
    },
    registerNode: (request, call) => registry.register(request, call),
    batchRegisterNodes: (request, call) => registry.registerBatch(request, call),
    assignNode: (request, call) => registry.assign(request, call),
    unassignNode: async ({ nodeId }, call) => {
      const node_id = nodeIdFromWire(nodeId);
      await registry.run(call, "node_unassign", { Node: node_id }, {
        type: "UnassignNode",
        node_id,
      });
      return { nodeId };
    },
    moveNode: (request, call) => registry.move(request, call),
    decommissionNode: async ({ nodeId, force, reason }, call) => {
      const node_id = nodeIdFromWire(nodeId);
      const result = await registry.run(call, "node_decommission", { Node: node_id }, {
        type: "RevokeNode",
        node_id,
        force,
        ...present("reason", reason === "" ? undefined : reason),
      });
      const revoked = result.kind === "EnrollmentResult" ? result : undefined;
      return {
        nodeId,
        enrollmentState: revoked?.state ?? "Revoked",
        sessionsTerminated: revoked?.sessions_terminated ?? 0,
        certSerialRevoked: revoked?.revoked_serial ?? "",
      };
    },
    listNodes: (request, call) => listNodes(context, callerWithRole(call), request),
    inspectNode: ({ nodeId }, call) => inspectNode(context, callerOf(call), nodeIdFromWire(nodeId)),
  };
}

/** Which node a change is about, where its scope does not say. */
function nodeOf(scope: Scope, command: CommandInput): string {
  if (scope !== "Global" && "Node" in scope) return "";
  return "node_id" in command ? `node ${command.node_id}` : "";
}

/** Registry changes: authorized, then submitted as the caller. */
class Registry {
  constructor(
    private readonly context: ServiceContext,
    private readonly domainId: string,
    private readonly minIdentity: IdentityStrength,
  ) {}

  async run(
    call: HandlerContext,
    action: string,
    scope: Scope,
    command: CommandInput,
    requestId = readRequestId(call.requestHeader),
  ): Promise<CommandResult> {
    const caller = callerOf(call);
    const grant = await this.context.gatekeeper.admit({ caller, action, scope });
    const change = { action, scope, command, requestId, detail: nodeOf(scope, command) };
    return await submitGranted(this.context, call, caller, grant, change);
  }

  async register(
    request: enrollment.RegisterNodeRequest,
    call: HandlerContext,
    requestId = readRequestId(call.requestHeader),
  ) {
    const node_id = nodeIdFromWire(request.nodeId);
    const { identity, keys } = normalizeHardware(request.hardwareIdentity);
    // Told whoever registers, rather than the machine that comes with it later (ENR-14).
    const weak = weakness(keys, this.minIdentity);
    if (weak !== undefined) throw new PactError("INVALID_ARGUMENT", `${node_id}: ${weak}`);
    const result = await this.run(call, "node_register", { Node: node_id }, {
      type: "RegisterNode",
      node_id,
      domain_id: this.domainId,
      hardware_identity: identity,
      hardware_keys: keys,
      ...present(
        "vcluster_id",
        request.vclusterId === "" ? undefined : vclusterIdFromWire(request.vclusterId),
      ),
    }, requestId);
    const state = result.kind === "EnrollmentResult" ? result.state : "Registered";
    return create(enrollment.RegisterNodeResponseSchema, {
      nodeId: node_id,
      enrollmentState: state,
    });
  }

  /** In request order; a node that fails does not stop the others (API-60). */
  async registerBatch({ nodes }: enrollment.BatchRegisterNodesRequest, call: HandlerContext) {
    if (nodes.length > MAX_BATCH) {
      throw new PactError("INVALID_ARGUMENT", `at most ${MAX_BATCH} nodes in one batch`);
    }
    // Refused once and as a whole: nobody registers one node of a batch without the right to all.
    await this.context.gatekeeper.require({
      caller: callerOf(call),
      action: "node_register",
      scope: "Global",
    });
    const idOf = batchRequestIds(readRequestId(call.requestHeader));
    const results: Awaited<ReturnType<Registry["batchResult"]>>[] = [];
    for (let from = 0; from < nodes.length; from += BATCH_AT_ONCE) {
      const slice = nodes.slice(from, from + BATCH_AT_ONCE);
      results.push(
        ...await Promise.all(
          slice.map((node, index) => this.batchResult(node, call, idOf(from + index))),
        ),
      );
    }
    const succeeded = results.filter((result) => result.success).length;
    return { results, succeeded, failed: results.length - succeeded };
  }

  async batchResult(
    node: enrollment.RegisterNodeRequest,
    call: HandlerContext,
    requestId: string | undefined,
  ) {
    const { nodeId } = node;
    try {
      const { enrollmentState } = await this.register(node, call, requestId);
      return { nodeId, success: true, enrollmentState, error: "", errorCode: "" };
    } catch (error) {
      if (!(error instanceof PactError)) throw error;
      const { message, code } = error;
      return { nodeId, success: false, enrollmentState: "", error: message, errorCode: code };
    }
  }

  /** Whoever takes a node out of another vCluster must have the right to move it (ENR-3). */
  async assign({ nodeId, vclusterId }: enrollment.AssignNodeRequest, call: HandlerContext) {
    const node_id = nodeIdFromWire(nodeId);
    const target = vclusterIdFromWire(vclusterId);
    const from = this.context.gatekeeper.vclusterOf({ Node: node_id });
    if (from !== undefined && from !== target) {
      await this.move(
        create(enrollment.MoveNodeRequestSchema, { nodeId, toVclusterId: vclusterId }),
        call,
      );
      return { nodeId, vclusterId };
    }
    await this.run(call, "node_assign", { VCluster: target }, {
      type: "AssignNodeToVCluster",
      node_id,
      vcluster_id: target,
      if_unassigned: true,
    });
    return { nodeId, vclusterId };
  }

  /** Moving needs the right on both sides (ENR-3). */
  async move({ nodeId, toVclusterId }: enrollment.MoveNodeRequest, call: HandlerContext) {
    const node_id = nodeIdFromWire(nodeId);
    const target = vclusterIdFromWire(toVclusterId);
    const from = this.context.gatekeeper.vclusterOf({ Node: node_id });
    const caller = callerOf(call);
    const [into, outOf] = [{ VCluster: target }, { Node: node_id }];
    const atTarget = await this.context.gatekeeper.admit({
      caller,
      action: "node_move",
      scope: into,
    });
    const grant = await this.context.gatekeeper.admit({
      caller,
      action: "node_move",
      scope: outOf,
    });
    const needsApproval = atTarget.needsApproval === true || grant.needsApproval === true;
    await submitGranted(this.context, call, caller, { ...grant, needsApproval }, {
      action: "node_move",
      scope: outOf,
      alsoIn: [{ scope: into, role: atTarget.role }],
      command: {
        type: "MoveNodeVCluster",
        node_id,
        to_vcluster_id: target,
        ...present("from_vcluster_id", from),
      },
    });
    return { nodeId, fromVclusterId: from ?? "", toVclusterId };
  }
}

/** An id of its own for each item of a batch, so that a repeated batch repeats every item. */
function batchRequestIds(
  requestId: string | undefined,
): (index: number) => string | undefined {
  if (requestId === undefined) return () => undefined;
  const batch = createHash("sha256").update(requestId).digest("hex");
  return (index) => `${batch}:${index}`;
}
