import { RaftError } from "./errors.ts";
import { type Index, NO_BYTES } from "./entry.ts";
import { NO_NODE } from "./ids.ts";
import type { Message } from "./messages.ts";
import { send } from "./outbox.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import { broadcastHeartbeat } from "./replication.ts";

/**
 * A leader is asked from where on a read is linearizable.
 *
 * @throws {RaftError} `reads-full`
 */
export function requestRead(state: RaftState, request: Message): void {
  // Before the first commit of its own term a leader may not know yet what is committed. This
  // holds for a single voter too: a commit index lost in a crash would let it read the past.
  if (state.log.term(state.log.committed) !== state.term) {
    assertRoom(state);
    state.postponedReads.push(request);
    return;
  }
  serve(state, request);
}

function serve(state: RaftState, request: Message): void {
  if (state.settings.readMode === "lease" || isSoleVoter(state)) {
    answer(state, request, state.log.committed);
    return;
  }
  assertRoom(state);
  state.reads.add(request, state.log.committed, state.id);
  broadcastHeartbeat(state);
}

function assertRoom({ reads, postponedReads, settings }: RaftState): void {
  if (reads.size + postponedReads.length < settings.maxPendingReads) return;
  throw new RaftError("reads-full");
}

function isSoleVoter({ id, tracker }: RaftState): boolean {
  const { incoming, outgoing } = tracker.configuration.voters;
  return incoming.size === 1 && incoming.has(id) && outgoing.size === 0;
}

/** The commit has moved: reads that waited for the first commit of the term go on. */
export function servePostponedReads(state: RaftState): void {
  if (state.postponedReads.length === 0) return;
  if (state.log.term(state.log.committed) !== state.term) return;
  const waiting = state.postponedReads;
  state.postponedReads = [];
  for (const request of waiting) serve(state, request);
}

/** A heartbeat's answer confirms reads: the position it was sent with has come back. */
export function confirmReads(state: RaftState, response: Message): void {
  if (state.settings.readMode !== "safe" || response.context.length === 0) return;
  state.reads.acknowledge(memberFrom(response), response.context);
  for (const { request, index } of state.reads.takeConfirmed(state.tracker.configuration.voters)) {
    answer(state, request, index);
  }
}

/** Tells who asked: this member's own caller by a read state, another member by message. */
function answer(state: RaftState, request: Message, index: Index): void {
  const { from, entries } = request;
  if (from !== NO_NODE && from !== state.id) {
    send(state, { type: "ReadIndexResp", to: from, index, entries });
    return;
  }
  noteRead(state, { ...request, index });
}

/** A read of this member's own caller may be served from `index` on. */
export function noteRead(state: RaftState, { entries, index }: Message): void {
  const [first] = entries;
  const context = first?.kind === "normal" ? first.data : NO_BYTES;
  state.readStates.push({ index, context });
}
