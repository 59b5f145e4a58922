/**
 * Backups of the journal: making them beside a running process, verifying, and restoring them as the
 * beginning of a new cluster (JRN-68, JRN-69).
 *
 * @module
 */
export { BACKUP_COMMANDS } from "./command_line.ts";
export { makeBackup } from "./make_backup.ts";
export { restoreBackup } from "./restore_backup.ts";
