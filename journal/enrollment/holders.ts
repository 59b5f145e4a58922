/**
 * Finds out whether the holder of a node's identity is still there (journal.md 9.1). A machine that
 * lost its power leaves a connection behind that counts for a minute; asked, it turns out to lead
 * nowhere within seconds. It answers the other members' questions about connections to this one.
 *
 * | here and at every other member | some member not reachable | the holder is |
 * |--------------------------------|---------------------------|---------------|
 * | a connection that answers      | any                       | there         |
 * | none at all                    | any                       | not found     |
 * | some, none of them answers     | no                        | gone          |
 * | some, none of them answers     | yes                       | not found     |
 *
 * @module
 */

import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { PeerLife } from "../../common/rpc_server/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** How long a node may take to answer. */
export const ANSWER_WITHIN_MS = 3_000;
/** How long another member may take, its own question included. */
const MEMBER_WITHIN_MS = 5_000;
/** For how long an answer serves those that ask again. */
const KEEP_MS = 1_000;
/** Most answers kept; a node beyond them is asked again. */
const MAX_KEPT = 10_000;

/** What the holders are looked for with. */
export interface HoldersOptions {
  readonly quorum: Pick<
    Replica["quorum"],
    "id" | "membership" | "isAlone" | "handleCalls" | "callMember"
  >;
  /** Asks the node's connections to this member; ends those that lead nowhere. */
  readonly askHere: (nodeId: string) => Promise<PeerLife>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Knows whether holders are gone. */
export interface Holders {
  /**
   * Whether the node had connections and all of them were found dead. `seen` is when the record says
   * it was seen last: an answer is kept for who asks of the same holder again, never for a later one.
   */
  isGone(nodeId: string, seen: string): Promise<boolean>;
}

/** Holders of every member's connections. */
export function createHolders(options: HoldersOptions): Holders {
  const { quorum, askHere, clock } = options;
  const kept = new Map<string, { readonly answer: Promise<boolean>; readonly sinceMs: number }>();
  quorum.handleCalls("FindNode", async (_from, data) => {
    const life = await askHere(new TextDecoder().decode(data));
    return new TextEncoder().encode(life);
  });
  return {
    isGone: (nodeId, seen) => {
      const key = `${nodeId}\n${seen}`;
      const sinceMs = clock.monotonicMs();
      const known = kept.get(key);
      if (known !== undefined && sinceMs - known.sinceMs < KEEP_MS) return known.answer;
      if (kept.size >= MAX_KEPT) kept.clear();
      const answer = isGoneEverywhere(options, nodeId);
      kept.set(key, { answer, sinceMs });
      return answer;
    },
  };
}

async function isGoneEverywhere(
  { quorum, askHere, log }: HoldersOptions,
  nodeId: string,
): Promise<boolean> {
  const askMember = async (member: number): Promise<string> => {
    const data = new TextEncoder().encode(nodeId);
    const late = AbortSignal.timeout(MEMBER_WITHIN_MS);
    try {
      return new TextDecoder().decode(await quorum.callMember(member, "FindNode", data, late));
    } catch (error) {
      log.debug("a member was not asked for a node", { member, error: String(error) });
      return "unknown";
    }
  };
  const { voters, votersOutgoing, learners, learnersNext } = quorum.membership;
  const others = new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext]);
  others.delete(quorum.id);
  const lives = await Promise.all([
    askHere(nodeId),
    ...(quorum.isAlone ? [] : [...others].map(askMember)),
  ]);
  const isGone = lives.includes("gone") &&
    lives.every((life) => life === "gone" || life === "none");
  if (isGone) log.info("the former connection of a node leads nowhere", { node: nodeId });
  return isGone;
}
