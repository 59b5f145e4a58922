import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { present } from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { AddressSchema } from "../config/mod.ts";
import type { ClusterView, MemberChange, MemberView, QuorumAdmin } from "../membership/mod.ts";
import { auditNote } from "./audit_note.ts";
import { callerOf, type ServiceContext } from "./context.ts";

/** The quorum as the cluster calls see it. */
export interface ClusterFacts {
  readonly quorum: QuorumAdmin;
  readonly version: string;
}

/** Who is in the quorum and how they fare (CLI-55). */
export async function clusterStatus(
  context: ServiceContext,
  facts: ClusterFacts,
  call: HandlerContext,
): Promise<journal.ClusterStatusResponse> {
  await context.gatekeeper.require({
    caller: callerOf(call),
    action: "status",
    scope: "Global",
  });
  return await statusOf(context, facts, call.signal);
}

/**
 * Adds, promotes or removes a member, or hands leadership over; for platform admins. What is to be
 * done is on record before it is done (AUD-5), and on record again when it failed.
 *
 * @throws {PactError} the refusals of the rules, INVALID_ARGUMENT, PERMISSION_DENIED.
 */
export async function changeMembership(
  context: ServiceContext,
  facts: ClusterFacts,
  request: journal.ChangeMembershipRequest,
  call: HandlerContext,
): Promise<journal.ClusterStatusResponse> {
  const caller = callerOf(call);
  const action = "member_change";
  const scope = "Global" as const;
  const { role, policyRef } = await context.gatekeeper.require({ caller, action, scope });
  const change = changeOf(request);
  const actor = identityOf(caller, role);
  const detail = describe(change);
  const record = async (outcome: "Success" | "Failure", text: string) =>
    await context.replica.submit({
      type: "RecordOperation",
      operation: {
        ...auditNote(call, caller, { action, scope, policyRef, detail: text }),
        actor,
        outcome,
      },
    }, { actor });
  await record("Success", `asked for: ${detail}`);
  try {
    await facts.quorum.change(change, call.signal);
  } catch (error) {
    if (!(error instanceof PactError)) throw error;
    // A quorum that is lost cannot keep the record either; the refusal counts more than that.
    await record("Failure", `${detail}: ${error.message}`).catch(() => undefined);
    throw error;
  }
  return await statusOf(context, facts, call.signal);
}

function changeOf(request: journal.ChangeMembershipRequest): MemberChange {
  const { operation } = request;
  switch (operation) {
    case "add_learner":
      return {
        operation,
        id: memberIdOf(request.id),
        raft: addressOf("raft_address", request.raftAddress),
        api: addressOf("grpc_address", request.grpcAddress),
      };
    case "promote":
      return { operation, id: memberIdOf(request.id) };
    case "remove":
      return { operation, id: memberIdOf(request.id), force: false };
    case "force_remove":
      return { operation: "remove", id: memberIdOf(request.id), force: true };
    case "transfer":
      return { operation, id: request.id === 0n ? undefined : memberIdOf(request.id) };
    default:
      throw new PactError(
        "INVALID_ARGUMENT",
        "operation must be add_learner, promote, remove, force_remove or transfer",
      );
  }
}

function memberIdOf(id: bigint): number {
  if (id >= 1n && id < 1n << 32n) return Number(id);
  throw new PactError("INVALID_ARGUMENT", `member id ${id} is not between 1 and 4294967295`);
}

function addressOf(field: string, text: string): string {
  const parsed = AddressSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new PactError(
    "INVALID_ARGUMENT",
    `${field} must be HOST:PORT, an IPv6 address in brackets`,
  );
}

function describe(change: MemberChange): string {
  switch (change.operation) {
    case "add_learner":
      return `add member ${change.id} as a learner (Raft ${change.raft}, API ${change.api})`;
    case "promote":
      return `promote member ${change.id}`;
    case "remove":
      return `remove member ${change.id}${change.force ? " by force" : ""}`;
    case "transfer":
      return `transfer leadership to ${change.id === undefined ? "any" : `member ${change.id}`}`;
  }
}

async function statusOf(
  { replica }: ServiceContext,
  { quorum, version }: ClusterFacts,
  signal: AbortSignal,
): Promise<journal.ClusterStatusResponse> {
  const view: ClusterView = await quorum.leaderView(signal);
  const { engine, failure, trouble } = replica.status().log;
  return create(journal.ClusterStatusResponseSchema, {
    logEngine: engine,
    logTrouble: failure ?? trouble ?? "",
    clusterId: view.clusterId ?? "",
    leaderId: BigInt(view.leaderId ?? 0),
    term: view.term,
    commitIndex: view.commitIndex,
    lastApplied: view.appliedIndex,
    nextSequence: BigInt(replica.status().nextSequence),
    version,
    members: view.members.map(memberToWire),
  });
}

function memberToWire(member: MemberView) {
  return {
    id: BigInt(member.id),
    grpcAddress: member.api,
    raftAddress: member.raft,
    role: member.role,
    matchIndex: member.matchIndex ?? 0n,
    ...present(
      "lastContact",
      member.lastContactMs === undefined ? undefined : timestampFromMs(member.lastContactMs),
    ),
    healthy: member.isReachable,
  };
}
