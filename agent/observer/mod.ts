/**
 * Event sources that make changes visible before the next scan, and say who made them (node-ops.md
 * section 1).
 *
 * @module
 */
export { describeActor, type Place, placeOf } from "./actor.ts";
export type { Actor, Confidence, ObservedEvent, SourceName } from "./event.ts";
export { eventName } from "./event.ts";
export { type Observer, type ObserverOptions, openObserver } from "./observer.ts";
export { watchedFiles, type WatchedFilesOptions } from "./watched_files.ts";
