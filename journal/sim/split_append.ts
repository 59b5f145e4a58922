import type { Message } from "../raft/mod.ts";
import type { Random } from "./random.ts";

/** The entries of one append may arrive as two, each of which stands for itself. */
export function splitAppend(message: Message, random: Random): readonly Message[] {
  const { type, entries, index, logTerm } = message;
  if (type !== "App" || entries.length < 2) return [message];
  const cut = 1 + random.below(entries.length - 1);
  const before = entries[cut - 1];
  if (before === undefined) return [message];
  return [
    { ...message, index, logTerm, entries: entries.slice(0, cut) },
    { ...message, index: before.index, logTerm: before.term, entries: entries.slice(cut) },
  ];
}
