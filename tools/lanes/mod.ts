/**
 * Runs files of tests side by side.
 *
 * @module
 */
export { type LaneOptions, type LanesEnd, runInLanes } from "./lanes.ts";
export { type Count, countOf } from "./summary.ts";
export { testFiles } from "./test_files.ts";
