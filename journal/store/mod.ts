/**
 * The applied state on disk: entries and documents in SQLite, documents mirrored in memory.
 *
 * @module
 */
export type { AuditQuery, EntryQuery } from "./queries.ts";
