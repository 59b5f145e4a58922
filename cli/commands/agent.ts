import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { EXIT, Failure } from "../failure/mod.ts";
import { printable } from "../output/mod.ts";
import type { Agent } from "../session/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { type ActionParser, define, say, word } from "./parsing.ts";
import { sleep } from "./sleep.ts";
import { targetAgent } from "./targets.ts";

const POLL_MS = 200;
/** How long the former agent may take to go, and the next one to answer. */
const GONE_LIMIT_MS = 10_000;
const BACK_LIMIT_MS = 60_000;

interface Options {
  readonly node: string | undefined;
  readonly program: string | undefined;
}

/** `pact agent ...`. */
export const agentCommand: ActionParser = define(
  "upgrade",
  "Start another version of a node's agent; its services go on.",
  object({
    node: optional(argument(word("NODE"))),
    program: optional(option("--program", word("FILE"), {
      description: say("The program on the node; without it the one that is installed."),
    })),
  }),
  (options) => action((context) => upgrade(context, options)),
);

async function upgrade(context: CommandContext, { node, program }: Options): Promise<number> {
  const agent = await targetAgent(context, node);
  const service = program === undefined ? "pact-agent" : `pact-agent:${program}`;
  const { message } = await agent.peer.write((options) =>
    agent.shell.serviceControl({ service, operation: "upgrade" }, options)
  );
  await until(context, GONE_LIMIT_MS, async () => !await answers(agent));
  const isBack = await until(context, BACK_LIMIT_MS, () => answers(agent));
  if (!isBack) {
    throw new Failure(
      "UNAVAILABLE",
      `agent of ${agent.node} does not answer since its upgrade`,
      EXIT.unreachable,
      ["its services go on; PID 1 goes back to the installed agent by itself"],
    );
  }
  await context.out.result([`Agent of ${agent.node} runs again: ${printable(message)}`], {
    node_id: agent.node,
    program: message,
  });
  return EXIT.ok;
}

async function answers(agent: Agent): Promise<boolean> {
  try {
    await agent.peer.read((options) => agent.shell.getStatus({}, options));
    return true;
  } catch (error) {
    if (error instanceof Failure && error.exitCode === EXIT.unreachable) return false;
    throw error;
  }
}

/** Whether it came true in time. */
async function until(
  context: CommandContext,
  limitMs: number,
  condition: () => Promise<boolean>,
): Promise<boolean> {
  const { clock } = context.host;
  const untilMs = clock.monotonicMs() + limitMs;
  while (clock.monotonicMs() < untilMs) {
    if (await condition()) return true;
    await sleep(context, POLL_MS);
  }
  return false;
}
