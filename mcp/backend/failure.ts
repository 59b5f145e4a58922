import { Code, ConnectError } from "@connectrpc/connect";
import { ERROR_TRAILER, fromConnectError, type PactError } from "../../common/errors/mod.ts";
import { isTrustError, isUnavailable } from "../../common/rpc/mod.ts";

/** The servers that tools call. */
export type PeerKind = "journal" | "agent";

/** Nothing answers at the server's address. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor(readonly peer: PeerKind, options?: ErrorOptions) {
    super(`not connected to ${peer}`, options);
  }
}

/** The server did not answer in time. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";

  constructor(readonly seconds: number, options?: ErrorOptions) {
    super(`timeout after ${seconds}s`, options);
  }
}

/** The server at the address is not the one meant, or a connection would be unsafe. */
export class Untrusted extends Error {
  override readonly name = "Untrusted";
}

/** What a call's failure means to a tool. */
export type BackendFailure = Unreachable | TimedOut | Untrusted | PactError;

/** Reads the failure of a call; anything that is no ConnectError is a fault of ours and passes. */
export function readFailure(error: unknown, peer: PeerKind, timeoutMs: number): unknown {
  if (!(error instanceof ConnectError)) return error;
  if (isTrustError(error)) return new Untrusted(error.rawMessage, { cause: error });
  if (isConnectionLost(error)) return new Unreachable(peer, { cause: error });
  if (error.code === Code.DeadlineExceeded) {
    return new TimedOut(Math.ceil(timeoutMs / 1000), { cause: error });
  }
  return fromConnectError(error);
}

/** Whether no server answered, as opposed to one that says it cannot serve now. */
export function isConnectionLost(error: unknown): boolean {
  return isUnavailable(error) && !error.metadata.has(ERROR_TRAILER);
}
