/** What becomes of callers who cannot say who they are: counted, and slowed down. */
export { FailureBrake } from "./failure_brake.ts";
export { type CountedRefusal, RefusalTally, type RefusalTallyOptions } from "./refusal_tally.ts";
