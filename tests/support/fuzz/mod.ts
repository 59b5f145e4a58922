/**
 * Feeding parsers what nobody should send, repeatably.
 *
 * @module
 */
export { liveBytes } from "./live_bytes.ts";
export {
  fuzz,
  FuzzFault,
  type FuzzPlan,
  type FuzzReport,
  type FuzzTarget,
  inputOf,
} from "./run.ts";
