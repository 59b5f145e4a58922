import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { instantFromWire } from "../../common/wire/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import { printable } from "../output/mod.ts";
import type { CommandContext } from "./action.ts";
import { confirm } from "./confirm.ts";
import { requireNodeId } from "./targets.ts";

/*
 * Emergencies of one node while no journal can be reached: the node opens and ends them itself, and
 * tells the journal afterwards (EMM-8, DEG-9).
 */

/** What an emergency changes nothing about (CLI-100). */
export const UNCHANGED = [
  "All actions continue to be logged.",
  "Command whitelist unchanged.",
];

/** Said of every end (CLI-101). */
export const WINDOW_RESTORED = "Normal commit window restored.";

/** For how long an emergency is meant to last; nothing where that is not known. */
export function windowLines(from: Timestamp | undefined, until: Timestamp | undefined): string[] {
  if (from === undefined || until === undefined) return [];
  return [windowLine(timestampMs(until) - timestampMs(from))];
}

function windowLine(windowMs: number): string {
  return `Extended commit window: ${Math.round(windowMs / 60_000)} minutes`;
}

/** What is asked where an emergency ends without a decision about what was changed under it (EMM-6). */
export function undecidedText(where: string): string {
  return `Changes on ${where} are neither committed nor rolled back. ` +
    "Leave them to the normal commit window?";
}

/**
 * Has the node open an emergency of its own.
 *
 * @throws {Failure} what the node refuses, or exit 5 where it is in contact with a journal.
 */
export async function startAlone(
  context: CommandContext,
  node: string,
  reason: string,
): Promise<void> {
  const { sessionId, expiresAt } = await control(context, node, { operation: "start", reason });
  const name = printable(node);
  await context.out.result([
    `Emergency mode ACTIVE on node:${name} (${printable(sessionId)})`,
    "Opened on the node alone: no journal can be reached.",
    `It is on record on ${name}, which tells the journal when it reaches one again.`,
    "If another emergency of the node is open there by then, the older one holds.",
    ...(expiresAt === undefined
      ? []
      : [windowLine(timestampMs(expiresAt) - context.host.clock.nowMs())]),
    ...UNCHANGED,
  ], {
    sequence: null,
    scope: `node:${node}`,
    session_id: sessionId,
    expires_at: expiresAt === undefined ? null : instantFromWire(expiresAt),
  });
}

/** Has the node end its emergency. @throws {Failure} as {@link startAlone} */
export async function endAlone(
  context: CommandContext,
  node: string,
  isForced: boolean,
): Promise<void> {
  await control(context, node, { operation: "end", force: isForced });
  const name = printable(node);
  await context.out.result([
    `Emergency mode ENDED on node:${name}`,
    "Ended on the node alone: no journal can be reached.",
    `It is on record on ${name}, which tells the journal when it reaches one again.`,
    WINDOW_RESTORED,
  ], { sequence: null, scope: `node:${node}`, forced: isForced });
}

/** As the journal is asked for drift, where the node alone can say. */
export async function confirmDriftOf(context: CommandContext, node: string): Promise<void> {
  const { peer, shell } = await context.session.agent(requireNodeId(node));
  const { drift } = await peer.read((call) => shell.getStatus({}, call));
  if ((drift?.total ?? 0) > 0) await confirm(context, undecidedText(printable(node)));
}

async function control(
  { session, out }: CommandContext,
  node: string,
  request: {
    readonly operation: "start" | "end";
    readonly reason?: string;
    readonly force?: boolean;
  },
) {
  const name = printable(node);
  await out.note(`Warning: the journal cannot be reached; asking ${name} directly`);
  const { peer, shell } = await session.agent(requireNodeId(node));
  try {
    return await peer.write((call) => shell.emergencyControl(request, call));
  } catch (error) {
    throw explained(error, name);
  }
}

/** The answers of an agent that people are better told in other words. */
function explained(error: unknown, name: string): unknown {
  if (!(error instanceof Failure)) return error;
  if (error.code === "PRECONDITION" && error.message === USE_THE_JOURNAL) {
    const text = `no journal can be reached from here, but ${name} is in contact with one`;
    const hint = "an emergency is opened and ended there: try again, or from where it is reached";
    return new Failure("UNAVAILABLE", text, EXIT.unreachable, [hint], error);
  }
  const [, owner] = error.code === "PERMISSION_DENIED"
    ? SOMEBODY_ELSES.exec(error.message) ?? []
    : [];
  return owner === undefined ? error : somebodyElses(`node:${name}`, owner);
}

/** The answer of a node that is not alone (EMM-2). */
const USE_THE_JOURNAL = "use the journal";
/** The answer to who would end an emergency that somebody else has opened (EMG-3). */
const SOMEBODY_ELSES = /emergency session belongs to (.*); end it with force$/s;

/** What is said to who would end an emergency that `owner` has opened (CLI-101). */
export function somebodyElses(where: string, owner: string): Failure {
  return new Failure(
    "CONFLICT",
    `the emergency on ${where} was opened by ${printable(owner)}`,
    EXIT.conflict,
    ["ask them to end it, or end it with --force"],
  );
}
