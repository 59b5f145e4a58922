import { object } from "@optique/core/constructs";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { codedFailure, EXIT } from "../failure/mod.ts";
import { plural } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { say, withAction, word } from "./parsing.ts";
import { targetAgent } from "./targets.ts";

interface Options {
  readonly minutes: number;
  readonly node: string | undefined;
}

/** `pact extend [MINS]` (CLI-65). */
export const extendCommand = withAction(
  object({
    minutes: withDefault(argument(integer({ metavar: "MINS", min: 1, max: 1440 })), 15),
    node: optional(option("--node", word("NODE"), { description: say("The node.") })),
  }),
  (options) => action((context) => extend(context, options)),
);

async function extend(context: CommandContext, { minutes, node }: Options): Promise<number> {
  const agent = await targetAgent(context, node);
  const answer = await agent.peer.write((options) =>
    agent.shell.extendCommitWindow({ additionalMinutes: minutes }, options)
  );
  if (!answer.success) throw codedFailure("WINDOW_EXPIRED", answer.error ?? "no commit window");
  const remaining = Math.ceil(answer.newDeadlineSeconds / 60);
  await context.out.result([
    `Commit window extended by ${plural(minutes, "minute")} (${
      plural(remaining, "minute")
    } remaining)`,
  ], {
    node_id: agent.node,
    extended_minutes: minutes,
    remaining_seconds: answer.newDeadlineSeconds,
  });
  return EXIT.ok;
}
