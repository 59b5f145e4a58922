/**
 * What the journal's two databases share: the lock on the data directory, opening with every check
 * before the first write, and the one error that says what is wrong with a file.
 *
 * @module
 */
export {
  type DatabaseOptions,
  type Migration,
  openDatabase,
  openDatabaseForReading,
  storageErrors,
  transaction,
} from "./database.ts";
export { directoryIdOf, isDirectoryId } from "./directory_id.ts";
export { type DirectoryLock, lockDirectory } from "./directory_lock.ts";
export { StorageError, type StorageErrorKind, type StorageErrorOptions } from "./storage_error.ts";
