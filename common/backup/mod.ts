/**
 * Backups (JRN-68): a compressed tar archive of `metadata.json` and `snapshot.json`, and how it is
 * verified. The journal writes and restores them; whoever has one can verify it.
 *
 * @module
 */
export { BackupError } from "./backup_error.ts";
export { type ExportItem, ExportReader } from "./export_reader.ts";
export { LineSplitter } from "./lines.ts";
export {
  type BackupMetadata,
  BackupMetadataSchema,
  METADATA_FILE,
  SNAPSHOT_FILE,
} from "./metadata.ts";
export { readTar, TAR_END, type TarFile, tarHeader, tarPadding } from "./tar.ts";
export { type BackupReport, verifyBackup, type VerifyBackupOptions } from "./verify_backup.ts";
