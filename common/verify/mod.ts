/**
 * Verifying a whole log: its chain of hashes, and the signatures over it.
 *
 * @module
 */
export {
  type LogReport,
  LogVerifier,
  type NotedEntry,
  type SignerReport,
  type VerifierOptions,
} from "./log_verifier.ts";
export { reportJson, reportLines } from "./report_lines.ts";
