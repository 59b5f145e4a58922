import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { config, timestampFromMs } from "../../api/mod.ts";

/** Who an entry names as its author. */
export interface Author {
  readonly principal: string;
  readonly principalType: string;
  readonly role: string;
}

/** What the node says of an entry besides its author. */
export type EntryContent = Omit<
  MessageInitShape<typeof config.ConfigEntrySchema>,
  "$typeName" | "scope" | "author" | "timestamp"
>;

/** An entry of this node's scope; without an author it is the agent's own. */
export function nodeEntry(
  nodeId: string,
  nowMs: number,
  author: Author | undefined,
  content: EntryContent,
): config.ConfigEntry {
  return create(config.ConfigEntrySchema, {
    ...content,
    scope: { scope: { case: "nodeId", value: nodeId } },
    timestamp: timestampFromMs(nowMs),
    ...(author === undefined ? {} : { author: { ...author } }),
  });
}
