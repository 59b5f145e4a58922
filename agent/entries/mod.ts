/** Entries of the node on their way to the journal. */
export { type Author, type EntryContent, nodeEntry } from "./entries.ts";
export { type AwaitedApproval, RefusedError } from "./refused_error.ts";
export {
  createEntryWriter,
  type EntryRequest,
  type EntryWriter,
  type EntryWriterOptions,
  type ReplayOutcome,
  type Written,
} from "./writer.ts";
