import type { Scope } from "../../common/model/mod.ts";
import { NodeIdSchema, VClusterIdSchema } from "../../common/model/mod.ts";
import { codedFailure, Failure, usageFailure } from "../failure/mod.ts";
import { localNode, namesOwnMachine } from "../nodes/mod.ts";
import type { Agent } from "../session/mod.ts";
import type { CommandContext } from "./action.ts";

/** The vCluster that is meant when none is configured (CLI-60). */
const FALLBACK_VCLUSTER = "default";

/**
 * The agent a command works on: of the named node, else of the default node (CLI-42).
 *
 * @throws {Failure} exit 1 when no node was named and none is the default.
 */
export async function targetAgent(
  context: CommandContext,
  named: string | undefined,
): Promise<Agent> {
  return await findAgent(context, named ?? await requireDefaultNode(context));
}

async function requireDefaultNode({ settings }: CommandContext): Promise<string> {
  const node = await localNode(settings);
  if (node !== undefined) return node;
  throw usageFailure(
    "specify a node: no agent listens on this machine",
    "name one, or set PACT_NODE",
  );
}

/**
 * The agent of `node`, after asking the journal whether such a node is enrolled (CLI-43). Without a
 * journal the agent is asked anyway, with a warning: that is how one works during a partition.
 *
 * @throws {Failure} exit 1 for an unknown node, 12 for a revoked one.
 */
export async function findAgent(context: CommandContext, node: string): Promise<Agent> {
  if (!namesOwnMachine(node)) {
    await requireEnrolled(context, requireNodeId(node));
  }
  return await context.session.agent(node);
}

/** Whether whoever was asked is not there, or cannot do anything now: the journal without a quorum. */
export function isOutOfReach(error: Failure): boolean {
  return ["UNAVAILABLE", "NO_QUORUM", "NO_LEADER", "SHUTTING_DOWN", "DEADLINE"].includes(
    error.code,
  );
}

async function requireEnrolled({ session, out }: CommandContext, node: string): Promise<void> {
  try {
    const { peer, enrollment } = await session.journal();
    const found = await peer.read((options) => enrollment.inspectNode({ nodeId: node }, options));
    if (found.enrollmentState === "Revoked") {
      throw codedFailure("NODE_REVOKED", `Node decommissioned: ${node}`);
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (isOutOfReach(error)) {
      await out.note(`Warning: the journal cannot be reached; asking ${node} directly`);
      return;
    }
    switch (error.code) {
      case "NODE_NOT_ENROLLED":
      case "NOT_FOUND":
        throw codedFailure("NOT_FOUND", `Not found: node ${node}`);
      case "PERMISSION_DENIED":
      case "UNIMPLEMENTED":
        // Whether this caller may work on the node is the agent's to decide.
        return;
      default:
        throw error;
    }
  }
}

/** The configured vCluster, else `default` with a note (CLI-60). */
export async function targetVCluster({ settings, out }: CommandContext): Promise<string> {
  if (settings.vcluster !== undefined) return requireVCluster(settings.vcluster);
  await out.note(`No vCluster given; using '${FALLBACK_VCLUSTER}'`);
  return FALLBACK_VCLUSTER;
}

/** @throws {Failure} exit 1 when it breaks the grammar of vCluster names. */
export function requireVCluster(text: string): string {
  const id = VClusterIdSchema.safeParse(text);
  if (id.success) return id.data;
  throw usageFailure(`'${text}' is no vCluster name`, "letters, digits, _ and -, at most 63");
}

/** @throws {Failure} exit 1 when it breaks the grammar of node ids. */
export function requireNodeId(text: string): string {
  const id = NodeIdSchema.safeParse(text);
  if (id.success) return id.data;
  throw usageFailure(`'${text}' is no node id`, id.error.issues[0]?.message ?? "");
}

/**
 * A scope as `global`, `vc:NAME` or `node:ID`.
 *
 * @throws {Failure} exit 1 for anything else (CLI-52).
 */
export function parseScope(text: string): Scope {
  if (text === "global") return "Global";
  if (text.startsWith("vc:")) return { VCluster: requireVCluster(text.slice(3)) };
  if (text.startsWith("node:")) return { Node: requireNodeId(text.slice(5)) };
  throw usageFailure(`'${text}' is no scope`, "use global, vc:NAME or node:ID");
}
