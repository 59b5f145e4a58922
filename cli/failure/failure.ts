import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";

/** Codes of failures that arise in the CLI itself, beside those of the wire. */
export type LocalCode =
  | "USAGE"
  | "CONFIG"
  | "NOT_CONFIGURED"
  | "PLAINTEXT_REFUSED"
  | "NOT_WHITELISTED"
  | "NO_COMMAND"
  | "APPROVAL_REJECTED"
  | "REMOTE"
  | "INTERRUPTED";

/** Why a command ends without success: what to say, and what to exit with. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    readonly code: ErrorCode | LocalCode,
    message: string,
    readonly exitCode: ExitCode,
    /** Further lines for a person, each a thing to look at or to do next (CLI-8). */
    readonly hints: readonly string[],
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }

  /** What a server said beside its error, such as `x-pact-approval-id` (API-2). */
  get trailers(): Readonly<Record<string, string>> {
    return this.cause instanceof PactError ? this.cause.trailers : {};
  }
}

/** The command line or a given file is wrong: exit 1, never the parser's usual 2 (CLI-12). */
export function usageFailure(message: string, ...hints: string[]): Failure {
  return new Failure("USAGE", message, EXIT.general, hints);
}

/** A failure with the exit code that belongs to a code of the wire. */
export function codedFailure(code: ErrorCode, message: string, ...hints: string[]): Failure {
  return new Failure(code, message, exitCodeOf(code), hints);
}
