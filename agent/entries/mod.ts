/** Entries of the node on their way to the journal. */
export { type Author, type EntryContent, nodeEntry } from "./entries.ts";
export { isOutOfReach } from "./out_of_reach.ts";
export { type AwaitedApproval, RefusedError } from "./refused_error.ts";
export {
  createEntryWriter,
  type EntryRequest,
  type EntryWriter,
  type EntryWriterOptions,
  type Queued,
  type ReplayOutcome,
  type Written,
} from "./writer.ts";
