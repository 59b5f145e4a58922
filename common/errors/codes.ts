import { Code } from "@connectrpc/connect";

/**
 * Every stable error code of pact (the `x-pact-error` trailer) with the gRPC status it travels
 * under, after the table of api.md section 1.2.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  POLICY_DENIED: Code.PermissionDenied,
  IDENTITY_MISMATCH: Code.PermissionDenied,
  SELF_APPROVAL: Code.PermissionDenied,
  NODE_REVOKED: Code.PermissionDenied,
  LOCKED: Code.PermissionDenied,
  HARDWARE_IDENTITY_MISMATCH: Code.PermissionDenied,
  NOT_FOUND: Code.NotFound,
  NODE_NOT_ENROLLED: Code.NotFound,
  NODE_ALREADY_ENROLLED: Code.AlreadyExists,
  HARDWARE_IDENTITY_CONFLICT: Code.AlreadyExists,
  ALREADY_ACTIVE: Code.AlreadyExists,
  DUPLICATE_NODE_ID: Code.AlreadyExists,
  OTHER_DIRECTORY: Code.PermissionDenied,
  INVALID_ARGUMENT: Code.InvalidArgument,
  TTL_OUT_OF_BOUNDS: Code.InvalidArgument,
  CONFLICT: Code.Aborted,
  VCLUSTER_CHANGED: Code.Aborted,
  APPROVAL_REQUIRED: Code.FailedPrecondition,
  APPROVAL_CLOSED: Code.FailedPrecondition,
  MERGE_CONFLICT: Code.FailedPrecondition,
  PROMOTE_CONFLICT: Code.FailedPrecondition,
  EMERGENCY_ACTIVE: Code.FailedPrecondition,
  NO_EMERGENCY: Code.FailedPrecondition,
  ACTIVE_SESSIONS: Code.FailedPrecondition,
  ACTIVE_CONSUMERS: Code.FailedPrecondition,
  WINDOW_EXPIRED: Code.FailedPrecondition,
  PRECONDITION: Code.FailedPrecondition,
  RATE_LIMITED: Code.ResourceExhausted,
  BOOT_STREAMS_EXHAUSTED: Code.ResourceExhausted,
  SUBSCRIBER_LAGGED: Code.ResourceExhausted,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  SEQUENCE_COMPACTED: Code.OutOfRange,
  NO_QUORUM: Code.Unavailable,
  NO_LEADER: Code.Unavailable,
  SHUTTING_DOWN: Code.Unavailable,
  UNAVAILABLE: Code.Unavailable,
  UNIMPLEMENTED: Code.Unimplemented,
  DEADLINE: Code.DeadlineExceeded,
  DATA_CORRUPT: Code.DataLoss,
  INTERNAL: Code.Internal,
} as const satisfies Record<string, Code>;

/** A stable error code, the contract between pact's parts. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether `text` is a code this build knows. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
