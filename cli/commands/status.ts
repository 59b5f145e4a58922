import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { journal } from "../../api/mod.ts";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { bytesText, durationText, printable, tableLines } from "../output/mod.ts";
import type { Journal } from "../session/mod.ts";
import {
  deltaJson,
  driftText,
  holdJson,
  holdText,
  NODE_COLUMNS,
  nodeRow,
  nodeStateJson,
  stateWord,
  windowSeconds,
} from "../view/mod.ts";
import { storedEntryFromWire } from "../../common/wire/mod.ts";
import type { Entry } from "../../common/model/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { driftOf } from "./drift.ts";
import { listNodeStates } from "./fleet.ts";
import { say, withAction, word } from "./parsing.ts";
import { optionalExtra } from "./optional.ts";
import { sleep } from "./sleep.ts";
import { requireNodeId } from "./targets.ts";

/** States as the journal spells them (API-9), by the words people type. */
const STATES: Readonly<Record<string, string>> = {
  COMMITTED: "Committed",
  DRIFTED: "Drifted",
  CONVERGING: "Converging",
  EMERGENCY: "Emergency",
  OBSERVE_ONLY: "ObserveOnly",
};

interface Options {
  readonly node: string | undefined;
  readonly state: string | undefined;
  readonly watch: number | undefined;
}

/** `pact status [NODE]` (CLI-50). */
export const statusCommand = withAction(
  object({
    node: optional(argument(word("NODE"))),
    state: optional(option("--state", word("STATE"), {
      description: say("Only nodes in this state: committed, drifted, converging, emergency, ..."),
    })),
    watch: optional(option("--watch", integer({ metavar: "SECONDS", min: 1, max: 3600 }), {
      description: say("Show again and again, this often."),
    })),
  }),
  (options) => action((context) => status(context, options)),
);

async function status(context: CommandContext, options: Options): Promise<number> {
  const stateFilter = options.state === undefined ? "" : parseState(options.state);
  const show = () =>
    options.node === undefined
      ? showFleet(context, stateFilter)
      : showNode(context, requireNodeId(options.node));
  await show();
  if (options.watch === undefined) return EXIT.ok;
  // Ends by Ctrl-C, which rejects the sleep, or by a failing call.
  while (true) {
    await sleep(context, options.watch * 1000);
    await context.out.clear();
    await show();
  }
}

function parseState(text: string): string {
  const state = STATES[text.toUpperCase().replaceAll("-", "_")] ??
    Object.values(STATES).find((name) => name.toLowerCase() === text.toLowerCase());
  if (state !== undefined) return state;
  throw usageFailure(
    `unknown state '${text}'`,
    `use one of ${Object.keys(STATES).join(", ").toLowerCase()}`,
  );
}

async function showFleet({ session, settings, out, host }: CommandContext, stateFilter: string) {
  const { nodes, warnings } = await listNodeStates(await session.journal(), {
    vclusterId: settings.vcluster ?? "",
    stateFilter,
  });
  const nowMs = host.clock.nowMs();
  const rows = nodes.map((node) => nodeRow(node, warnings, nowMs));
  const held = await staleEmergencies(await session.journal(), nodes);
  const lines = rows.length === 0 ? ["No nodes."] : tableLines(NODE_COLUMNS, rows, out.paint);
  await out.result([...lines, ...held.map(holdText)], {
    ...(held.length === 0 ? {} : { holds: held.map(holdJson) }),
    nodes: nodes.map((node) => ({
      ...nodeStateJson(node),
      warnings: warnings.filter(({ nodeId }) => nodeId === node.nodeId)
        .map(({ keys, expired }) => ({ keys, expired })),
    })),
  });
}

async function showNode(context: CommandContext, node: string): Promise<void> {
  try {
    await showFromJournal(context, node);
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode !== EXIT.unreachable) throw error;
    await showFromAgent(context, node, error);
  }
}

/** Without a journal the node itself still knows how it is. */
async function showFromAgent(
  { session, out, host }: CommandContext,
  node: string,
  journalFailure: Failure,
): Promise<void> {
  const agent = await session.agent(node);
  let detail: journal.NodeStateDetail;
  try {
    detail = await agent.peer.read((options) => agent.shell.getStatus({}, options));
  } catch (error) {
    // That neither answers is the journal's fault first.
    throw error instanceof Failure && error.exitCode === EXIT.unreachable ? journalFailure : error;
  }
  await out.note(`Warning: the journal cannot be reached; this is what ${node} says`);
  await out.result(nodeLines(detail, undefined, host.clock.nowMs()), {
    source: "agent",
    ...nodeStateJson(detail),
    drift_items: deltaJson(driftOf(detail), ["actual", "declared"]),
  });
}

async function showFromJournal({ session, out, host }: CommandContext, node: string) {
  const journal = await session.journal();
  const answer = await journal.peer.read((options) =>
    journal.config.getNodeState({ nodeId: node }, options)
  );
  const detail = answer.detail;
  if (detail === undefined) {
    await out.result(
      [`Node: ${printable(node)}  State: ${stateWord(answer.configState)}`],
      { node_id: node, state: stateWord(answer.configState) },
    );
    return;
  }
  const nowMs = host.clock.nowMs();
  const [emergency, deltas] = await Promise.all([
    emergencyOf(journal, detail),
    deltasOf(journal, node),
  ]);
  const live = deltas.filter((entry) => !isExpired(entry, nowMs));
  const expired = deltas.filter((entry) => isExpired(entry, nowMs));
  const lines = [
    ...nodeLines(detail, emergency, nowMs),
    ...warningLines(node, live, expired),
  ];
  await out.result(lines, {
    source: "journal",
    ...nodeStateJson(detail),
    drift_items: deltaJson(driftOf(detail), ["actual", "declared"]),
    emergency: emergency === undefined ? null : {
      id: emergency.id,
      principal: emergency.principal,
      reason: emergency.reason,
      stale: emergency.stale,
    },
    live_deltas: live.map(({ sequence }) => sequence),
    expired_deltas: expired.map(({ sequence }) => sequence),
  });
}

function nodeLines(
  node: journal.NodeStateDetail,
  emergency: journal.EmergencySession | undefined,
  nowMs: number,
): string[] {
  const { supervisor } = node;
  const lines = [
    `Node: ${printable(node.nodeId)}  vCluster: ${printable(node.vclusterId) || "(none)"}  State: ${
      stateWord(node.configState)
    }`,
  ];
  if (supervisor !== undefined) {
    const { backend, servicesRunning, servicesDeclared, servicesFailed } = supervisor;
    lines.push(
      `Supervisor: ${
        printable(backend).toLowerCase() || "pact"
      } (${servicesRunning}/${servicesDeclared} running, ${servicesFailed} failed)`,
    );
  }
  if (node.memoryTotal > 0n) {
    const [available, total] = [node.memoryAvailable, node.memoryTotal].map(gigabytes);
    lines.push(`Memory: ${available} / ${total} available`);
  }
  if (node.gpusTotal > 0) {
    const { gpusTotal, gpusHealthy, gpusDegraded } = node;
    lines.push(`GPUs: ${gpusTotal} total (${gpusHealthy} healthy, ${gpusDegraded} degraded)`);
  }
  const drift = driftText(node);
  if (drift !== "") lines.push(`Drift: ${drift}`);
  if (emergency !== undefined) {
    const { reason, principal, expiresAt, stale } = emergency;
    const leftMs = expiresAt === undefined ? 0 : timestampMs(expiresAt) - nowMs;
    const left = stale
      ? `STALE for ${durationText(-leftMs / 1000)}`
      : `${durationText(leftMs / 1000)} remaining`;
    lines.push(`Emergency: ${printable(reason)} (${left}, by ${printable(principal)})`);
    if (stale) lines.push(holdText(emergency));
  }
  const window = windowSeconds(node, nowMs);
  if (window !== undefined) lines.push(`Commit window: ${durationText(window)} remaining`);
  // What the node could not do: a phase of its boot, an item that is declared (CTX-5).
  lines.push(...node.unavailable.map((text) => `Unavailable: ${printable(text)}`));
  return lines;
}

function gigabytes(bytes: bigint): string {
  return bytes >= 1n << 30n
    ? `${(Number(bytes) / 2 ** 30).toFixed(1)} GB`
    : bytesText(Number(bytes));
}

function warningLines(node: string, live: readonly Entry[], expired: readonly Entry[]): string[] {
  const keys = new Set(
    live.flatMap(({ state_delta }) => deltaJson(state_delta ?? {}))
      .map((item) => item as { category: string; key: string })
      .map(({ category, key }) => `${category}:${printable(key)}`),
  );
  const diverging = keys.size === 0 ? [] : [
    `Warning: node ${printable(node)} diverges from vCluster homogeneity (keys ${
      [...keys].join(", ")
    }) — promote or revert`,
  ];
  return [
    ...diverging,
    ...expired.map(({ sequence }) =>
      `Warning: node ${printable(node)} has an expired delta (seq ${sequence}) — clean up`
    ),
  ];
}

function isExpired({ timestamp, ttl_seconds }: Entry, nowMs: number): boolean {
  return ttl_seconds !== undefined && ttl_seconds > 0 &&
    Date.parse(timestamp) + ttl_seconds * 1000 <= nowMs;
}

async function emergencyOf(
  { peer, fleet }: Journal,
  node: journal.NodeStateDetail,
): Promise<journal.EmergencySession | undefined> {
  if (node.emergencySession === "") return undefined;
  return await optionalExtra(async () => {
    const { sessions } = await peer.read((options) => fleet.listEmergencies({}, options));
    return sessions.find(({ id }) => id === node.emergencySession);
  });
}

/** Emergencies past their end that cover any of `nodes`; nobody is asked where there is none (EMG-4). */
async function staleEmergencies(
  { peer, fleet }: Journal,
  nodes: readonly journal.NodeStateDetail[],
): Promise<journal.EmergencySession[]> {
  const covering = new Set(nodes.map(({ emergencySession }) => emergencySession));
  covering.delete("");
  if (covering.size === 0) return [];
  const sessions = await optionalExtra(async () =>
    (await peer.read((options) => fleet.listEmergencies({}, options))).sessions
  );
  return sessions?.filter(({ id, stale }) => stale && covering.has(id)) ?? [];
}

async function deltasOf({ peer, fleet }: Journal, node: string): Promise<Entry[]> {
  const deltas = await optionalExtra(async () => {
    const answer = await peer.read((options) =>
      fleet.listDeltas({ nodeId: node, includeExpired: true }, options)
    );
    return answer.deltas.map(storedEntryFromWire);
  });
  return deltas ?? [];
}
