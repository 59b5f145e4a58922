import { ConnectError } from "@connectrpc/connect";
import { ConfigError } from "../../common/config/mod.ts";
import { fromConnectError, PactError } from "../../common/errors/mod.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";
import { Failure } from "./failure.ts";

/** What whoever reports an error knows about the call that failed. */
export interface ErrorContext {
  /** Who was asked: `journal`, or `agent on node-1`. */
  readonly peer?: string;
}

/**
 * The failure for anything thrown: what the server stated decides code and exit status (CLI-13),
 * with the texts people know (CLI-14). An unknown error is an internal one without detail.
 */
export function toFailure(error: unknown, context: ErrorContext = {}): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof PactError) return fromPactError(error, context);
  if (error instanceof ConnectError) return fromPactError(fromConnectError(error), context);
  // A file the person wrote, be it configuration or a spec, that is not what it should be.
  if (error instanceof ConfigError) return new Failure("CONFIG", error.message, EXIT.general, []);
  return new Failure(
    "INTERNAL",
    `internal error: ${error instanceof Error ? error.message : String(error)}`,
    EXIT.internal,
    [],
    error,
  );
}

function fromPactError(error: PactError, { peer }: ErrorContext): Failure {
  const reason = withoutCode(error);
  const { message, hints } = wording(error, reason, peer ?? "journal");
  return new Failure(error.code, message, exitCodeOf(error.code), hints, error);
}

interface Wording {
  readonly message: string;
  readonly hints: readonly string[];
}

function wording(error: PactError, reason: string, peer: string): Wording {
  const plain = (message: string, ...hints: string[]): Wording => ({ message, hints });
  switch (error.code) {
    case "UNAUTHENTICATED":
      return plain("not authenticated. Run `pact login` first.", reason);
    case "PERMISSION_DENIED":
    case "IDENTITY_MISMATCH":
    case "POLICY_DENIED":
      return plain(`Access denied: ${reason}`);
    case "SELF_APPROVAL":
      return plain("Cannot approve your own request (P4: self-approval denied)");
    case "NO_QUORUM":
    case "NO_LEADER":
    case "SHUTTING_DOWN":
    case "UNAVAILABLE":
      return peer === "journal"
        ? plain("Journal unavailable — retry or check cluster health", reason)
        : plain(`${peer} unavailable`, reason);
    case "DEADLINE":
      return plain(`no answer from the ${peer} in time`, "raise the limit with --timeout SECONDS");
    case "ACTIVE_CONSUMERS":
      return plain("Rollback blocked: active consumers on affected resources", reason);
    case "NODE_NOT_ENROLLED":
      return plain("Node not enrolled: hardware identity not recognized", reason);
    case "NODE_REVOKED":
      return plain(`Node decommissioned: ${reason}`);
    case "NODE_ALREADY_ENROLLED":
      return plain(`Node already enrolled: ${reason}`);
    case "EMERGENCY_ACTIVE":
      return plain(`Emergency already active: ${reason}`);
    case "ALREADY_ACTIVE":
      return plain("Node is already active — wait for heartbeat timeout or decommission", reason);
    case "RATE_LIMITED":
      return plain("Enrollment rate limit exceeded — retry", ...retryHint(error));
    case "INTERNAL":
      return plain(`internal error at the ${peer}: ${reason}`);
    case "DATA_CORRUPT":
      return plain(`corrupt data at the ${peer}: ${reason}`);
    default:
      return plain(reason, ...retryHint(error));
  }
}

function retryHint(error: PactError): string[] {
  const afterMs = Number(error.trailers["retry-after-ms"]);
  return Number.isFinite(afterMs) && afterMs > 0 ? [`retry in ${Math.ceil(afterMs / 1000)} s`] : [];
}

/** Server texts begin with their code (API-10); people read it from the exit status instead. */
function withoutCode(error: PactError): string {
  const prefix = `${error.code}: `;
  const text = error.message.startsWith(prefix)
    ? error.message.slice(prefix.length)
    : error.message;
  return text === "" ? error.code : text;
}
