/**
 * Snapshots of the replicated state as files: made while the journal works, kept, checked, sent.
 *
 * @module
 */
export type { KeptSnapshot } from "./kept_snapshot.ts";
export { makeSnapshot } from "./make_snapshot.ts";
export { SnapshotStore } from "./snapshot_store.ts";
