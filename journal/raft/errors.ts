/** Why the core refused a message; the state is as if it had never come. */
export type RaftErrorCode =
  /** No leader to give the proposal to, a transfer under way, or too much uncommitted. */
  | "proposal-dropped"
  /** A message that only the member itself may produce came from outside. */
  | "local-message"
  /** An answer from somebody who is not a member here. */
  | "peer-not-found"
  /** As many reads wait as may wait; ask again later. */
  | "reads-full";

const MESSAGES: Readonly<Record<RaftErrorCode, string>> = {
  "proposal-dropped": "raft proposal dropped",
  "local-message": "raft: cannot step raft local message",
  "peer-not-found": "raft: cannot step as peer not found",
  "reads-full": "raft: too many reads wait for confirmation",
};

/** A refusal that a correct caller can meet: try again, elsewhere or not at all. */
export class RaftError extends Error {
  override readonly name = "RaftError";

  constructor(readonly code: RaftErrorCode) {
    super(MESSAGES[code]);
  }
}

/** Which promise was found broken. */
export type RaftInvariant =
  | "options"
  | "log-range"
  | "log-conflict"
  | "commit-range"
  | "applied-range"
  | "membership"
  | "progress"
  | "role"
  | "outbox"
  | "storage"
  | "ready";

/**
 * The core, its storage or its caller broke a promise everything else rests on. There is no way
 * to go on: the member must stop before it answers anything (fail closed).
 */
export class RaftInvariantError extends Error {
  override readonly name = "RaftInvariantError";

  constructor(readonly invariant: RaftInvariant, detail: string) {
    super(`raft invariant broken (${invariant}): ${detail}`);
  }
}

/** @throws {RaftInvariantError} unless `condition` holds; `detail` is asked for only then */
export function assertInvariant(
  condition: boolean,
  invariant: RaftInvariant,
  detail: () => string,
): asserts condition {
  if (!condition) throw new RaftInvariantError(invariant, detail());
}
