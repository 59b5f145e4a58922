import type { ChangeKind, SingleChange } from "../../journal/raft/mod.ts";
import { CommandError } from "./command_error.ts";
import { numberTrouble } from "./go_text.ts";

const KINDS: ReadonlyMap<string, ChangeKind> = new Map([
  ["v", "add-voter"],
  ["l", "add-learner"],
  ["r", "remove"],
  ["u", "update"],
]);

/** Reads `v1 l2 r3 u4`. @throws {CommandError} */
export function parseChanges(input: string): SingleChange[] {
  if (input === "") return [];
  return input.split(" ").map((token) => {
    if (token.length < 2) throw new CommandError(`unknown token ${token}`);
    const kind = KINDS.get(token.slice(0, 1));
    if (kind === undefined) throw new CommandError(`unknown input: ${token}`);
    const trouble = numberTrouble(token.slice(1));
    if (trouble !== undefined) throw new CommandError(trouble);
    return { kind, id: Number(token.slice(1)) };
  });
}

export function formatChanges(changes: readonly SingleChange[]): string {
  const letters = new Map([...KINDS].map(([letter, kind]) => [kind, letter]));
  return changes.map(({ kind, id }) => `${letters.get(kind)}${id}`).join(" ");
}
