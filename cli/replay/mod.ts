/** Decides recorded requests again, by rules or settings that are not in force yet. */
export { decideAgain, type Reconsidered, type Replay, replayData } from "./decide_again.ts";
export { type RecordedRequest, recordedRequest } from "./recorded_request.ts";
export { loadRules } from "./rules.ts";
