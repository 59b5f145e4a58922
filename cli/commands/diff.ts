import { timestampMs } from "@bufbuild/protobuf/wkt";
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag } from "@optique/core/primitives";
import type { journal } from "../../api/mod.ts";
import type { Entry } from "../../common/model/mod.ts";
import { storedEntryFromWire } from "../../common/wire/mod.ts";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { localNode } from "../nodes/mod.ts";
import { agoText, dateTimeText, durationText, printable } from "../output/mod.ts";
import { changeLines, deltaJson, nodeStateJson } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { driftOf } from "./drift.ts";
import { listNodeStates } from "./fleet.ts";
import { say, withAction, word } from "./parsing.ts";
import { requireNodeId, requireVCluster, targetAgent } from "./targets.ts";

const NO_DIFFERENCES = "(no differences)";

interface Options {
  readonly node: string | undefined;
  readonly committed: true | undefined;
}

/** `pact diff [NODE]` (CLI-51). */
export const diffCommand = withAction(
  object({
    node: optional(argument(word("NODE"))),
    committed: optional(flag("--committed", {
      description: say("Show the node's committed deltas that are not promoted."),
    })),
  }),
  (options) => action((context) => diff(context, options)),
);

async function diff(context: CommandContext, { node, committed }: Options): Promise<number> {
  const vcluster = context.flags["vcluster"];
  if (committed === true) await showCommitted(context, node ?? await requireNode(context));
  else if (node === undefined && vcluster !== undefined) {
    await showVCluster(context, requireVCluster(vcluster));
  } else await showDrift(context, node);
  return EXIT.ok;
}

async function requireNode({ settings }: CommandContext): Promise<string> {
  const node = await localNode(settings);
  if (node !== undefined) return node;
  throw usageFailure("specify a node");
}

async function showDrift(context: CommandContext, node: string | undefined): Promise<void> {
  const { detail, source } = await currentState(context, node);
  const drift = driftOf(detail);
  const lines = changeLines(drift);
  await context.out.result(lines.length === 0 ? [NO_DIFFERENCES] : lines, {
    node_id: detail.nodeId,
    source,
    differences: deltaJson(drift, ["actual", "declared"]),
  });
}

/** What the agent sees now; when it does not answer, its last report at the journal. */
async function currentState(
  context: CommandContext,
  node: string | undefined,
): Promise<{ detail: journal.NodeStateDetail; source: "agent" | "journal" }> {
  const agent = await targetAgent(context, node);
  try {
    const detail = await agent.peer.read((options) => agent.shell.getStatus({}, options));
    return { detail, source: "agent" };
  } catch (error) {
    const unreachable = error instanceof Failure && error.exitCode === EXIT.unreachable;
    if (!unreachable || node === undefined) throw error;
    const { peer, config } = await context.session.journal();
    const { detail } = await peer.read((options) => config.getNodeState({ nodeId: node }, options));
    if (detail === undefined) throw error;
    const age = agoText(
      detail.lastSeen && timestampMs(detail.lastSeen),
      context.host.clock.nowMs(),
    );
    await context.out.note(
      `Warning: ${agent.peer.label} unavailable; its last report at the journal, ${age}:`,
    );
    return { detail, source: "journal" };
  }
}

async function showVCluster(context: CommandContext, vcluster: string): Promise<void> {
  const { nodes } = await listNodeStates(await context.session.journal(), {
    vclusterId: vcluster,
    stateFilter: "",
  });
  const drifted = nodes.map((node) => ({ node, drift: driftOf(node) }))
    .filter(({ drift }) => changeLines(drift).length > 0);
  const lines = drifted.flatMap(({ node, drift }) => [
    `${printable(node.nodeId)}:`,
    ...changeLines(drift),
  ]);
  await context.out.result(lines.length === 0 ? [NO_DIFFERENCES] : lines, {
    vcluster_id: vcluster,
    nodes: drifted.map(({ node, drift }) => ({
      node_id: node.nodeId,
      state: nodeStateJson(node)["state"],
      differences: deltaJson(drift, ["actual", "declared"]),
    })),
  });
}

async function showCommitted(context: CommandContext, node: string): Promise<void> {
  const { peer, fleet } = await context.session.journal();
  const answer = await peer.read((options) =>
    fleet.listDeltas({ nodeId: requireNodeId(node), includeExpired: false }, options)
  );
  const deltas = answer.deltas.map(storedEntryFromWire);
  const nowMs = context.host.clock.nowMs();
  const lines = deltas.length === 0 ? [`(no committed node deltas on ${node})`] : [
    `Committed node deltas on ${node} (${deltas.length} total):`,
    ...deltas.flatMap((delta) => [
      `  seq:${delta.sequence} (${dateTimeText(Date.parse(delta.timestamp))})${
        expiry(delta, nowMs)
      }`,
      ...changeLines(delta.state_delta ?? {}).map((line) => `  ${line}`),
    ]),
  ];
  await context.out.result(lines, {
    node_id: node,
    deltas: deltas.map((delta) => ({
      sequence: delta.sequence,
      timestamp: delta.timestamp,
      author: delta.author.principal,
      message: delta.message ?? null,
      expires_at: expiresMs(delta) === undefined
        ? null
        : new Date(expiresMs(delta) ?? 0).toISOString(),
      changes: deltaJson(delta.state_delta ?? {}),
    })),
  });
}

function expiresMs({ timestamp, ttl_seconds }: Entry): number | undefined {
  return ttl_seconds ? Date.parse(timestamp) + ttl_seconds * 1000 : undefined;
}

function expiry(delta: Entry, nowMs: number): string {
  const endMs = expiresMs(delta);
  if (endMs === undefined) return "";
  return endMs <= nowMs ? ", expired" : `, expires in ${durationText((endMs - nowMs) / 1000)}`;
}
