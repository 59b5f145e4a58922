/** A file that is no backup, or not a whole one; the message says what is wrong with it. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}
