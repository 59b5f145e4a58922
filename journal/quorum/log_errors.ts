import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import { NO_NODE, type NodeId, RaftInvariantError } from "../raft/mod.ts";

/** A disk that failed: the member reads on and takes no writes. */
export function readOnly(reason: string, cause?: unknown): PactError {
  return new PactError(
    "UNAVAILABLE",
    `the log takes no writes: ${reason}; free space or repair the disk, then restart`,
    { cause },
  );
}

/** What broke the machine; where the leader counts on entries that are gone, what to do about it. */
export function explained(id: NodeId, error: unknown): unknown {
  const isLoss = error instanceof RaftInvariantError && error.invariant === "commit-range";
  return isLoss ? lostEntries(id, error) : error;
}

/** A member that came back without what it had acknowledged: it might vote that away. */
function lostEntries(id: NodeId, cause: RaftInvariantError): Error {
  return new Error(
    `member ${id} has lost entries that the quorum counts on (${cause.message}); remove it, and add one ` +
      "with an empty data directory under another id",
    { cause },
  );
}

/** A member whose data directory is not the one that the quorum knows it by. */
export function displaced(id: NodeId): Error {
  return new Error(
    `member ${id} took part with another data directory than this one and must not go on with it: what ` +
      "it acknowledged is not here. Put the former directory back or, where it is lost, remove the member " +
      "(pact-journal member remove), and add one with an empty data directory under another id",
  );
}

export function shuttingDown(): PactError {
  return new PactError("SHUTTING_DOWN", "journal shutting down");
}

export function tooLarge(bytes: number, maxBytes: number): PactError {
  return new PactError(
    "INVALID_ARGUMENT",
    `command of ${bytes} bytes is too large (max ${maxBytes})`,
  );
}

export function tooMany(): PactError {
  return new PactError("RESOURCE_EXHAUSTED", "too many writes are waiting; try again shortly", {
    trailers: { "retry-after-ms": "200" },
  });
}

/** `no leader` or `no quorum`, with the leader known last in the trailer (JRN-58, JRN-60). */
export function leaderUnknown(code: ErrorCode, message: string, lastLeader: NodeId): PactError {
  return new PactError(
    code,
    message,
    lastLeader === NO_NODE ? {} : { trailers: { [metadata.leader]: String(lastLeader) } },
  );
}
