/**
 * Verifying the log of a journal, or one in a file, entry by entry as it is read.
 *
 * @module
 */
export { type JournalLogOptions, verifyJournalLog } from "./journal_log.ts";
export { type LogFileOptions, type LogFileReport, verifyLogFile } from "./log_file.ts";
