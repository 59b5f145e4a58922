/**
 * What a leader knows of each member, and the quorums that follow from it.
 *
 * @module
 */
export { Inflights } from "./inflights.ts";
export { Progress, type ProgressState, type ProgressView } from "./progress.ts";
export { type InflightLimits, Tracker } from "./tracker.ts";
