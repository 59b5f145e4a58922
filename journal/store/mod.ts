/**
 * The applied state on disk: entries and documents in SQLite, documents mirrored in memory.
 *
 * @module
 */
export { exportState } from "./export_state.ts";
export { importState } from "./import_state.ts";
export type { AuditQuery, EntryQuery } from "./queries.ts";
export { SCHEMA_VERSION } from "./schema.ts";
export { StateReader } from "./state_reader.ts";
export { StateStore } from "./state_store.ts";
