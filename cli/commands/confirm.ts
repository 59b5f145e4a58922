import { usageFailure } from "../failure/mod.ts";
import type { CommandContext } from "./action.ts";

/**
 * Asks before something that is not easily undone. `--yes` answers; without a terminal nobody could.
 *
 * @throws {Failure} exit 1 when nobody says yes.
 */
export async function confirm(
  { host, assumeYes }: CommandContext,
  question: string,
): Promise<void> {
  if (assumeYes) return;
  if (!host.stdin.isTerminal || !host.stderr.isTerminal) {
    throw usageFailure(`${question} — give --yes to confirm`);
  }
  await host.stderr.write(new TextEncoder().encode(`${question} [y/N] `));
  const answer = (await host.stdin.readLine())?.trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") throw usageFailure("not confirmed: nothing was changed");
}
