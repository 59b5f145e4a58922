import type { journal } from "../../api/mod.ts";
import { usageFailure } from "../failure/mod.ts";
import { printable } from "../output/mod.ts";
import type { Acknowledgement, Decision } from "../spec/mod.ts";
import type { CommandContext } from "./action.ts";

/** Decisions given on the command line (CLI-81). */
export interface Choices {
  readonly overwrite: readonly string[];
  readonly keep: readonly string[];
  readonly acceptAll: true | undefined;
}

/**
 * A decision for every conflict that the command line, or a person at a terminal, has decided; the
 * others are missing from the answer.
 *
 * @throws {Failure} exit 1 for a choice that is both, or that matches no conflict.
 */
export async function chooseDecisions(
  context: CommandContext,
  conflicts: readonly journal.PromoteConflict[],
  choices: Choices,
  mayAsk: boolean,
): Promise<Acknowledgement[]> {
  requireMatches(conflicts, choices);
  const decided: Acknowledgement[] = [];
  for (const conflict of conflicts) {
    const decision = given(conflict, choices) ??
      (mayAsk && context.host.stdin.isTerminal ? await ask(context, conflict) : undefined);
    if (decision === undefined) continue;
    const { nodeId: node, category, key } = conflict;
    decided.push({ node, category, key, decision });
  }
  return decided;
}

function requireMatches(
  conflicts: readonly journal.PromoteConflict[],
  { overwrite, keep }: Choices,
): void {
  for (const choice of [...overwrite, ...keep]) {
    if (conflicts.some((conflict) => selects(choice, conflict))) continue;
    throw usageFailure(`no conflict on '${choice}'`, "see pact promote NODE --dry-run");
  }
}

function given(
  conflict: journal.PromoteConflict,
  { overwrite, keep, acceptAll }: Choices,
): Decision | undefined {
  const overwrites = overwrite.some((choice) => selects(choice, conflict));
  const keeps = keep.some((choice) => selects(choice, conflict));
  if (overwrites && keeps) {
    throw usageFailure(`${conflict.key} on ${conflict.nodeId}: both --overwrite and --keep`);
  }
  if (overwrites) return "overwrite";
  if (keeps) return "keep";
  return acceptAll === true ? "overwrite" : undefined;
}

/** `NODE`, `NODE:KEY` or `NODE:CATEGORY:KEY`; compared whole, since node ids may hold colons. */
function selects(choice: string, { nodeId, category, key }: journal.PromoteConflict): boolean {
  return [nodeId, `${nodeId}:${key}`, `${nodeId}:${category}:${key}`].includes(choice);
}

async function ask(
  { host, out }: CommandContext,
  { nodeId, key }: journal.PromoteConflict,
): Promise<Decision | undefined> {
  await out.note(`${printable(key)} on ${nodeId}: [o]verwrite, [k]eep, or Enter to stop?`);
  const answer = (await host.stdin.readLine())?.trim().toLowerCase() ?? "";
  if (answer === "") return undefined;
  return "overwrite".startsWith(answer)
    ? "overwrite"
    : "keep".startsWith(answer)
    ? "keep"
    : undefined;
}
