import type { Host } from "../host/mod.ts";
import type { ProviderClient, ProviderMetadata } from "../oauth/mod.ts";
import type { Output } from "../output/mod.ts";

/** What every flow works with. */
export interface Conversation {
  readonly host: Host;
  readonly out: Output;
  readonly client: ProviderClient;
  readonly metadata: ProviderMetadata;
  readonly scopes: readonly string[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
