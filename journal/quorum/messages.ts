import { stamped } from "../log/mod.ts";
import type { Message, NodeId } from "../raft/mod.ts";
import type { Directories } from "./directories.ts";

/**
 * The messages of a batch that go to other members, by whom they go to and in their order. Without
 * snapshots, which go as files.
 */
export function byPeer(
  messages: readonly Message[],
  directories: Pick<Directories, "maySend">,
): ReadonlyMap<NodeId, Message[]> {
  const sorted = new Map<NodeId, Message[]>();
  for (const message of messages) {
    const { to, type } = message;
    if (typeof to !== "number" || type === "Snap" || !directories.maySend(type)) continue;
    if (sorted.get(to)?.push(message) === undefined) sorted.set(to, [message]);
  }
  return sorted;
}

/** Proposals of other members get their time where they are taken. */
export function withTime(message: Message, nowMs: number): Message {
  return {
    ...message,
    entries: message.entries.map((entry) =>
      entry.kind === "normal" ? { ...entry, data: stamped(entry.data, nowMs) } : entry
    ),
  };
}
