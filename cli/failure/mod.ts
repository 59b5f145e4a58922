/**
 * How commands fail: exit codes, the failure type, and the way from server errors to both.
 *
 * @module
 */
export { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
export { codedFailure, Failure, type LocalCode, usageFailure } from "./failure.ts";
export { type ErrorContext, toFailure } from "./from_error.ts";
