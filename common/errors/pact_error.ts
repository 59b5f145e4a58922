import { Code, ConnectError } from "@connectrpc/connect";
import { ERROR_CODES, type ErrorCode, isErrorCode } from "./codes.ts";

/** Name of the trailer that carries the stable code (API-2). */
export const ERROR_TRAILER = "x-pact-error";

/** What an error may say besides its code and message. */
export interface PactErrorOptions {
  /** Further trailers for the caller, for example `x-pact-approval-id`. */
  readonly trailers?: Readonly<Record<string, string>>;
  /** Kept for the local log only; never sent. */
  readonly cause?: unknown;
}

/**
 * The one error of pact's service boundary: a stable code, a text for people, and trailers. It maps
 * to a ConnectError on the wire and back; its cause stays in the process (API-10).
 */
export class PactError extends Error {
  override readonly name = "PactError";
  readonly trailers: Readonly<Record<string, string>>;

  constructor(readonly code: ErrorCode, message: string, options: PactErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.trailers = options.trailers ?? {};
  }
}

/** The wire form of `error`; whatever is not a {@link PactError} becomes INTERNAL without detail. */
export function toConnectError(error: unknown, incidentId: string): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof PactError)) {
    return new ConnectError(`INTERNAL: incident ${incidentId}`, Code.Internal, {
      [ERROR_TRAILER]: "INTERNAL",
    });
  }
  return new ConnectError(error.message, ERROR_CODES[error.code], {
    [ERROR_TRAILER]: error.code,
    ...error.trailers,
  });
}

/** Reads what a server answered: the trailer decides, then the gRPC status (CLI-13). */
export function fromConnectError(error: ConnectError): PactError {
  const stated = error.metadata.get(ERROR_TRAILER) ?? "";
  const code = isErrorCode(stated) ? stated : codeOfStatus(error.code);
  const trailers: Record<string, string> = {};
  error.metadata.forEach((value, key) => {
    if (key.startsWith("x-pact-") || key === "retry-after-ms") trailers[key] = value;
  });
  return new PactError(code, error.rawMessage, { trailers, cause: error });
}

function codeOfStatus(status: Code): ErrorCode {
  switch (status) {
    case Code.Unauthenticated:
      return "UNAUTHENTICATED";
    case Code.PermissionDenied:
      return "PERMISSION_DENIED";
    case Code.NotFound:
      return "NOT_FOUND";
    case Code.AlreadyExists:
      return "NODE_ALREADY_ENROLLED";
    case Code.InvalidArgument:
      return "INVALID_ARGUMENT";
    case Code.Aborted:
      return "CONFLICT";
    case Code.FailedPrecondition:
      return "PRECONDITION";
    case Code.ResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case Code.OutOfRange:
      return "SEQUENCE_COMPACTED";
    case Code.Unavailable:
    case Code.Canceled:
      return "UNAVAILABLE";
    case Code.Unimplemented:
      return "UNIMPLEMENTED";
    case Code.DeadlineExceeded:
      return "DEADLINE";
    case Code.DataLoss:
      return "DATA_CORRUPT";
    default:
      return "INTERNAL";
  }
}
