import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { object, or } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { config, journal } from "../../api/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { instantFromWire, scopeFromWire, scopeToWire } from "../../common/wire/mod.ts";
import { codedFailure, EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { agoText, type Column, dateTimeText, printable, tableLines } from "../output/mod.ts";
import { scopeText } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { requireMessage } from "./commit.ts";
import { confirm } from "./confirm.ts";
import { listNodeStates } from "./fleet.ts";
import { type ActionParser, define, say, sequence, withAction, word } from "./parsing.ts";
import {
  confirmDriftOf,
  endAlone,
  somebodyElses,
  startAlone,
  UNCHANGED,
  undecidedText,
  WINDOW_RESTORED,
  windowLines,
} from "./emergency_alone.ts";
import {
  findAgent,
  isOutOfReach,
  requireNodeId,
  requireVCluster,
  targetVCluster,
} from "./targets.ts";
import { workloadCommands } from "./workload.ts";

const nodeOption = optional(
  option("--node", word("NODE"), { description: say("Of this node alone, not of a vCluster.") }),
);
const reasonOption = option("-r", "--reason", word("REASON"), {
  description: say("Why. It is on record."),
});
const endOptions = {
  node: nodeOption,
  force: optional(
    flag("--force", { description: say("Also when somebody else has opened it.") }),
  ),
  commit: optional(
    flag("--commit", { description: say("Keep what was changed on the node; wants -m.") }),
  ),
  message: optional(option("-m", "--message", word("MSG"), { description: say("Why.") })),
  rollback: optional(option("--rollback", sequence(), {
    description: say("Return the node to what was declared by this entry."),
  })),
};

/** `pact emergency ...` (CLI-100, CLI-101; ISO-8, WLI-7). */
export const emergencyCommand: ActionParser = or(
  define(
    "start",
    "Open an emergency: nothing is rolled back by itself while it is open.",
    object({ node: nodeOption, reason: reasonOption }),
    (options) => action((context) => start(context, options)),
  ),
  define(
    "end",
    "Close the emergency.",
    object(endOptions),
    (options) => action((context) => end(context, options)),
  ),
  define(
    "list",
    "Show the open emergencies.",
    object({ all: optional(flag("--all", { description: say("Also those that ended.") })) }),
    ({ all }) => action((context) => list(context, all === true)),
  ),
  workloadCommands,
  // As older scripts write it.
  withAction(
    object({ start: flag("--start", { hidden: true }), node: nodeOption, reason: reasonOption }),
    (options) => action((context) => start(context, options)),
  ),
  withAction(
    object({ end: flag("--end", { hidden: true }), ...endOptions }),
    (options) => action((context) => end(context, options)),
  ),
);

interface Place {
  readonly node: string | undefined;
}

async function scopeOf(context: CommandContext, { node }: Place): Promise<Scope> {
  return node === undefined
    ? { VCluster: await targetVCluster(context) }
    : { Node: requireNodeId(node) };
}

async function start(
  context: CommandContext,
  { reason, ...place }: Place & { readonly reason: string },
): Promise<number> {
  if (reason.trim() === "") throw usageFailure("Emergency reason is required");
  const scope = await scopeOf(context, place);
  const entryType = config.EntryType.EMERGENCY_START;
  let sequence: number;
  try {
    sequence = await append(context, { entryType, scope, reason });
  } catch (error) {
    await startAlone(context, requireNodeAlone(error, place), reason);
    return EXIT.ok;
  }
  const session = await openSession(context, scope);
  await context.out.result([
    `Emergency mode ACTIVE on ${scopeText(scope)} (seq:${sequence})`,
    ...windowLines(session?.startedAt, session?.expiresAt),
    ...UNCHANGED,
  ], {
    sequence,
    scope: scopeText(scope),
    session_id: session?.id ?? null,
    expires_at: session?.expiresAt === undefined ? null : instantFromWire(session.expiresAt),
  });
  return EXIT.ok;
}

/** The node takes part in no vCluster's emergency while it is alone: only its own can be meant (EMM-8). */
function requireNodeAlone(error: unknown, { node }: Place): string {
  if (!(error instanceof Failure) || !isOutOfReach(error)) throw error;
  if (node !== undefined) return node;
  const { code, message, exitCode, hints } = error;
  throw new Failure(code, message, exitCode, [
    ...hints,
    "with --node NODE the node itself opens or ends an emergency of its own",
  ], error);
}

interface Ending extends Place {
  readonly force: true | undefined;
  readonly commit: true | undefined;
  readonly message: string | undefined;
  readonly rollback: number | undefined;
}

async function end(context: CommandContext, ending: Ending): Promise<number> {
  requireDecision(ending);
  const scope = await scopeOf(context, ending);
  const isForced = ending.force === true;
  const isDecided = ending.commit === true || ending.rollback !== undefined;
  try {
    if (!isForced) await requireOwn(context, scope);
    if (!isDecided) await confirmDrift(context, scope);
    // Whether the journal is there is known before anything is changed.
    else await openSession(context, scope);
  } catch (error) {
    const node = requireNodeAlone(error, ending);
    if (isDecided) await decide(context, ending);
    else await confirmDriftOf(context, node);
    await endAlone(context, node, isForced);
    return EXIT.ok;
  }
  if (isDecided) await decide(context, ending);
  try {
    await endAtJournal(context, scope, isForced);
  } catch (error) {
    await endAlone(context, requireNodeAlone(error, ending), isForced);
  }
  return EXIT.ok;
}

async function endAtJournal(
  context: CommandContext,
  scope: Scope,
  isForced: boolean,
): Promise<void> {
  const entryType = config.EntryType.EMERGENCY_END;
  const sequence = await append(context, { entryType, scope, isForced });
  await context.out.result([
    `Emergency mode ENDED on ${scopeText(scope)} (seq:${sequence})`,
    WINDOW_RESTORED,
  ], { sequence, scope: scopeText(scope), forced: isForced });
}

/** @throws {Failure} exit 1 for a decision that is none, or not about one node. */
function requireDecision({ node, commit, message, rollback }: Ending): void {
  if (commit === true && rollback !== undefined) {
    throw usageFailure("--commit and --rollback: only one of them can be");
  }
  if (commit === true) requireMessage(message ?? "");
  else if (message !== undefined) throw usageFailure("-m is the message of --commit");
  if (node === undefined && (commit === true || rollback !== undefined)) {
    throw usageFailure(
      "what was changed is committed or rolled back node by node",
      "name it with --node, or use pact commit and pact rollback before the end",
    );
  }
}

/** What was changed on the node is kept, or taken back, before the emergency ends (EMM-6). */
async function decide(
  context: CommandContext,
  { node = "", message = "", rollback }: Ending,
): Promise<void> {
  const { peer, shell } = await findAgent(context, node);
  if (rollback === undefined) {
    await peer.write((call) => shell.localCommit({ message, ttlSeconds: 0 }, call));
    return;
  }
  const request = { targetSequence: BigInt(rollback) };
  const { blockedBy } = await peer.write((call) => shell.localRollback(request, call));
  if (blockedBy.length === 0) return;
  const text = "Rollback blocked: active consumers on affected resources";
  throw codedFailure("ACTIVE_CONSUMERS", text, ...blockedBy);
}

/** @throws {Failure} exit 4, naming who opened it, where that is somebody else (CLI-101). */
async function requireOwn(context: CommandContext, scope: Scope): Promise<void> {
  const { claims } = await context.session.token();
  const session = await openSession(context, scope);
  // Of an opaque token only the journal knows whose it is.
  if (session === undefined || claims === undefined) return;
  if (session.principal === claims.principal) return;
  throw somebodyElses(scopeText(scope), session.principal);
}

/** An emergency ends with a decision about what was changed under it. */
async function confirmDrift(context: CommandContext, scope: Scope): Promise<void> {
  const { nodes } = await listNodeStates(await context.session.journal(), {
    vclusterId: scope !== "Global" && "VCluster" in scope ? scope.VCluster : "",
    stateFilter: "",
  });
  const drifted = nodes
    .filter(({ nodeId }) => scope === "Global" || !("Node" in scope) || nodeId === scope.Node)
    .filter(({ drift }) => (drift?.total ?? 0) > 0)
    .map(({ nodeId }) => printable(nodeId));
  if (drifted.length === 0) return;
  const shown = drifted.slice(0, MAX_NAMED).join(", ");
  const more = drifted.length > MAX_NAMED ? ` and ${drifted.length - MAX_NAMED} more` : "";
  await confirm(context, undecidedText(`${shown}${more}`));
}

const MAX_NAMED = 5;

interface Change {
  readonly entryType: config.EntryType;
  readonly scope: Scope;
  readonly reason?: string;
  readonly isForced?: boolean;
}

async function append(
  { session }: CommandContext,
  { entryType, scope, reason, isForced = false }: Change,
): Promise<number> {
  const { peer, config: service } = await session.journal();
  const request = create(journal.AppendEntryRequestSchema, {
    entry: {
      entryType,
      scope: scopeToWire(scope),
      ...(reason === undefined ? {} : { emergencyReason: reason }),
    },
    force: isForced,
  });
  const { sequence } = await peer.write((call) => service.appendEntry(request, call));
  peer.noteWrite(sequence);
  return Number(sequence);
}

async function openSession(
  { session }: CommandContext,
  scope: Scope,
): Promise<journal.EmergencySession | undefined> {
  const { peer, fleet } = await session.journal();
  const { sessions } = await peer.read((call) => fleet.listEmergencies({}, call));
  return sessions.find((each) => placeOf(each) === scopeText(scope));
}

function placeOf({ scope }: journal.EmergencySession): string {
  return scope === undefined ? "" : scopeText(scopeFromWire(scope));
}

const COLUMNS: readonly Column[] = [
  { heading: "ID", width: 12 },
  { heading: "SCOPE", width: 24 },
  { heading: "BY", width: 24 },
  { heading: "SINCE", width: 14 },
];

async function list(context: CommandContext, includeClosed: boolean): Promise<number> {
  const { session, out, host, flags } = context;
  const { vcluster } = flags;
  const { peer, fleet } = await session.journal();
  const vclusterId = vcluster === undefined ? "" : requireVCluster(vcluster);
  const request = { vclusterId, includeClosed };
  const { sessions } = await peer.read((call) => fleet.listEmergencies(request, call));
  const rows = sessions.map((each) => [
    printable(each.id),
    printable(placeOf(each)),
    printable(each.principal),
    agoText(
      each.startedAt === undefined ? undefined : timestampMs(each.startedAt),
      host.clock.nowMs(),
    ),
    endText(each),
    printable(each.reason),
  ]);
  const columns = [...COLUMNS, { heading: "UNTIL", width: 26 }, { heading: "REASON" }];
  const lines = rows.length === 0
    ? [includeClosed ? "There was no emergency." : "No emergency is open."]
    : tableLines(columns, rows, out.paint);
  await out.result(lines, { emergencies: sessions.map(sessionJson) });
  return EXIT.ok;
}

function endText({ endedAt, expiresAt, stale }: journal.EmergencySession): string {
  const end = endedAt ?? expiresAt;
  if (end === undefined) return "-";
  if (endedAt !== undefined) return `ended ${dateTimeText(timestampMs(end))}`;
  return stale ? "STALE" : dateTimeText(timestampMs(end));
}

function sessionJson(each: journal.EmergencySession) {
  const { id, principal, reason, startedAt, expiresAt, endedAt, endedBy, forced, stale } = each;
  const instant = (time: typeof startedAt) => time === undefined ? null : instantFromWire(time);
  return {
    id,
    scope: placeOf(each),
    principal,
    reason,
    started_at: instant(startedAt),
    expires_at: instant(expiresAt),
    ended_at: instant(endedAt),
    ended_by: endedBy || null,
    forced,
    stale,
  };
}
