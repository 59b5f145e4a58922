/**
 * Replays data-driven scripts against the Raft core: each command of a script is followed by the
 * exact text that a correct core prints.
 *
 * @module
 */
export { type Replay, replay } from "./replay.ts";
export { replayFolder } from "./replay_folder.ts";
