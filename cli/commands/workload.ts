import { object, or } from "@optique/core/constructs";
import { argument } from "@optique/core/primitives";
import { EXIT } from "../failure/mod.ts";
import { printable } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { confirm } from "./confirm.ts";
import { type ActionParser, define, say, word } from "./parsing.ts";
import { findAgent } from "./targets.ts";

/** What workload is called among the services of a node (ISO-8). */
const WORKLOAD = "workload.slice";

const nodeArgument = argument(word("NODE"), { description: say("The node.") });

interface Override {
  readonly node: string;
  readonly service: string;
  readonly operation: "freeze" | "thaw" | "kill" | "force_unmount";
  readonly question: string;
  /** What is said once it is done. */
  readonly done: string;
  /** What to do next. */
  readonly next?: string;
}

/** What an open emergency allows on a node beside everything else (EMM-5); the agent sees to that. */
export const workloadCommands: ActionParser = or(
  define(
    "freeze",
    "Stop all workload of a node where it stands, in an open emergency.",
    object({ node: nodeArgument }),
    ({ node }) =>
      override({
        node,
        service: WORKLOAD,
        operation: "freeze",
        question: `Freeze all workload of ${printable(node)}?`,
        done: `Workload of ${printable(node)} is frozen`,
        next: "It stays frozen after the emergency. " +
          `Let it go on with: pact emergency thaw ${printable(node)}`,
      }),
  ),
  define(
    "thaw",
    "Let frozen workload of a node go on, in an open emergency.",
    object({ node: nodeArgument }),
    ({ node }) =>
      override({
        node,
        service: WORKLOAD,
        operation: "thaw",
        question: `Let the workload of ${printable(node)} go on?`,
        done: `Workload of ${printable(node)} goes on`,
      }),
  ),
  define(
    "kill",
    "Kill all workload of a node, in an open emergency.",
    object({ node: nodeArgument }),
    ({ node }) =>
      override({
        node,
        service: WORKLOAD,
        operation: "kill",
        question: `Kill all workload of ${printable(node)}? What it has not saved is lost.`,
        done: `Workload of ${printable(node)} is killed`,
      }),
  ),
  define(
    "unmount",
    "Unmount an image of workload, whatever uses it, in an open emergency.",
    object({
      node: nodeArgument,
      image: argument(word("IMAGE"), { description: say("The image, such as tools.sqfs.") }),
    }),
    ({ node, image }) =>
      override({
        node,
        service: `uenv:${image}`,
        operation: "force_unmount",
        question: `Unmount ${printable(image)} on ${printable(node)}? ` +
          "Whatever runs from it will fail.",
        done: `${printable(image)} is unmounted on ${printable(node)}`,
      }),
  ),
);

function override(wanted: Override) {
  return action((context) => perform(context, wanted));
}

async function perform(context: CommandContext, wanted: Override): Promise<number> {
  const { service, operation, question, done, next } = wanted;
  const agent = await findAgent(context, wanted.node);
  await confirm(context, question);
  const { message } = await agent.peer.write((options) =>
    agent.shell.serviceControl({ service, operation }, options)
  );
  await context.out.result([done, ...(next === undefined ? [] : [next])], {
    node_id: agent.node,
    service,
    operation,
    message,
  });
  return EXIT.ok;
}
