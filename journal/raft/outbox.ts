import { assertInvariant } from "./errors.ts";
import { NO_NODE } from "./ids.ts";
import { hasOwnTerm, message, type MessageDraft, waitsForStorage } from "./messages.ts";
import type { RaftState } from "./raft_state.ts";

/**
 * Puts a message into the outbox it belongs to, under the term it must carry.
 *
 * @throws {RaftInvariantError} for a message to the member itself that does not wait for storage
 */
export function send(state: RaftState, draft: MessageDraft): void {
  const from = draft.from ?? NO_NODE;
  const sent = message(draft, from === NO_NODE ? state.id : from, termOf(state, draft));
  if (waitsForStorage(sent.type)) {
    state.afterAppend.push(sent);
    return;
  }
  assertInvariant(sent.to !== state.id, "outbox", () => `${sent.type} to the member itself`);
  state.immediate.push(sent);
}

function termOf(state: RaftState, { type, term }: MessageDraft): number {
  // Proposals and reads that are passed on belong to no term: any leader may take them.
  if (type === "Prop" || type === "ReadIndex") return 0;
  if (!hasOwnTerm(type)) return state.term;
  assertInvariant(term !== undefined, "outbox", () => `${type} without a term`);
  return term;
}
