import type { ErrorCode } from "../../common/errors/mod.ts";

/** The exit codes of `pact` (cli.md section 2). */
export const EXIT = {
  ok: 0,
  general: 1,
  refused: 2,
  policy: 3,
  conflict: 4,
  unreachable: 5,
  notWhitelisted: 6,
  mergeConflict: 7,
  ttl: 8,
  promoteConflict: 9,
  activeConsumers: 10,
  notEnrolled: 11,
  revoked: 12,
  alreadyEnrolled: 13,
  rateLimited: 14,
  approvalPending: 15,
  approvalRejected: 16,
  internal: 99,
  interrupted: 130,
} as const;

/** A documented exit code. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * What each stable error code exits with. The code comes from the `x-pact-error` trailer, or from
 * the gRPC status where a server sent none; message texts are never searched (CLI-13).
 */
const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  UNAUTHENTICATED: EXIT.refused,
  PERMISSION_DENIED: EXIT.refused,
  IDENTITY_MISMATCH: EXIT.refused,
  SELF_APPROVAL: EXIT.refused,
  LOCKED: EXIT.refused,
  HARDWARE_IDENTITY_MISMATCH: EXIT.refused,
  POLICY_DENIED: EXIT.policy,
  INVALID_ARGUMENT: EXIT.policy,
  CONFLICT: EXIT.conflict,
  VCLUSTER_CHANGED: EXIT.conflict,
  EMERGENCY_ACTIVE: EXIT.conflict,
  APPROVAL_CLOSED: EXIT.conflict,
  WINDOW_EXPIRED: EXIT.conflict,
  NO_QUORUM: EXIT.unreachable,
  NO_LEADER: EXIT.unreachable,
  SHUTTING_DOWN: EXIT.unreachable,
  UNAVAILABLE: EXIT.unreachable,
  DEADLINE: EXIT.unreachable,
  MERGE_CONFLICT: EXIT.mergeConflict,
  TTL_OUT_OF_BOUNDS: EXIT.ttl,
  PROMOTE_CONFLICT: EXIT.promoteConflict,
  ACTIVE_CONSUMERS: EXIT.activeConsumers,
  NODE_NOT_ENROLLED: EXIT.notEnrolled,
  NODE_REVOKED: EXIT.revoked,
  NODE_ALREADY_ENROLLED: EXIT.alreadyEnrolled,
  HARDWARE_IDENTITY_CONFLICT: EXIT.alreadyEnrolled,
  ALREADY_ACTIVE: EXIT.alreadyEnrolled,
  RATE_LIMITED: EXIT.rateLimited,
  BOOT_STREAMS_EXHAUSTED: EXIT.rateLimited,
  SUBSCRIBER_LAGGED: EXIT.rateLimited,
  RESOURCE_EXHAUSTED: EXIT.rateLimited,
  APPROVAL_REQUIRED: EXIT.approvalPending,
  NOT_FOUND: EXIT.general,
  DUPLICATE_NODE_ID: EXIT.general,
  OTHER_DIRECTORY: EXIT.general,
  NO_EMERGENCY: EXIT.general,
  ACTIVE_SESSIONS: EXIT.general,
  PRECONDITION: EXIT.general,
  SEQUENCE_COMPACTED: EXIT.general,
  UNIMPLEMENTED: EXIT.general,
  DATA_CORRUPT: EXIT.internal,
  INTERNAL: EXIT.internal,
};

/** The exit code for a stable error code. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return EXIT_OF_ERROR[code];
}
