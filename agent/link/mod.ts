/** The worker's side of the contact with the journal. */
export { type BootConfig, BootStreamError, readBootStream } from "./boot_stream.ts";
export { declaredConfig } from "./declared_config.ts";
export { effectiveDocument } from "./effective.ts";
export type { Anchor } from "./credentials.ts";
export { type Hardware, hardwareOf } from "./enroll.ts";
export type { BootstrapFiles } from "./bootstrap_identity.ts";
export type { SpireOptions } from "./node_svids.ts";
export {
  type JournalLink,
  type LinkEvents,
  type LinkOptions,
  type LinkStateReport,
  startJournalLink,
} from "./journal_link.ts";
export { changesDeclaration } from "./refresh.ts";
export { retryDelayMs } from "./retry_delay.ts";
