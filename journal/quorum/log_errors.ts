import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import { NO_NODE, type NodeId } from "../raft/mod.ts";

/** A disk that failed: the member reads on and takes no writes. */
export function readOnly(reason: string, cause?: unknown): PactError {
  return new PactError(
    "UNAVAILABLE",
    `the log takes no writes: ${reason}; free space or repair the disk, then restart`,
    { cause },
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
