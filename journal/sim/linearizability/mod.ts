/**
 * Judges histories of concurrent operations: could a sequential object have shown this?
 *
 * @module
 */
export {
  APPEND_LOG,
  type AppendLogInput,
  type AppendLogOutput,
  type LogState,
} from "./append_log.ts";
export { checkLinearizability, type Verdict } from "./check.ts";
export type { History, Model, Operation, OperationOutcome } from "./history.ts";
export { type RegisterInput, type RegisterOutput, REGISTERS } from "./register.ts";
