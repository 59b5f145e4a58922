import { object } from "@optique/core/constructs";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice, integer } from "@optique/core/valueparser";
import type { shell } from "../../api/mod.ts";
import { codedFailure, EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { localNode } from "../nodes/mod.ts";
import { printable } from "../output/mod.ts";
import type { Agent } from "../session/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { forEachNode, listNodeStates } from "./fleet.ts";
import { say, withAction, word } from "./parsing.ts";
import { requireVCluster, targetAgent } from "./targets.ts";

/** How long one of many nodes may take (CLI-94). */
const NODE_TIMEOUT_MS = 30_000;

const MAX_LINES = 10_000;

const SOURCES = ["all", "system", "service", "dmesg", "syslog"] as const;

interface Options {
  readonly node: string | undefined;
  readonly lines: number;
  readonly source: (typeof SOURCES)[number];
  readonly service: string | undefined;
  readonly grep: string | undefined;
}

/** `pact diag [NODE]` (CLI-93, CLI-94). */
export const diagCommand = withAction(
  object({
    node: optional(argument(word("NODE"))),
    lines: withDefault(
      option("--lines", integer({ metavar: "N", min: 1 }), {
        description: say("How many of the last lines of each source; default 100."),
      }),
      100,
    ),
    source: withDefault(
      option("--source", choice(SOURCES, { metavar: "SOURCE" }), {
        description: say("all (default), system or service."),
      }),
      "all" as const,
    ),
    service: optional(option("--service", word("NAME"), {
      description: say("Only this service."),
    })),
    grep: optional(option("--grep", word("RE"), {
      description: say("Only lines that match this regular expression."),
    })),
  }),
  (options) => action((context) => diag(context, options)),
);

async function diag(context: CommandContext, options: Options): Promise<number> {
  if (options.lines > MAX_LINES) {
    throw codedFailure("INVALID_ARGUMENT", `--lines: at most ${MAX_LINES}`);
  }
  const node = options.node ?? await localNode(context.settings);
  const vcluster = context.flags["vcluster"];
  if (options.node === undefined && vcluster !== undefined) {
    return await collectFleet(context, requireVCluster(vcluster), options);
  }
  if (node === undefined) throw usageFailure("specify a node or --vcluster");
  return await collectOne(context, await targetAgent(context, node), options);
}

async function* collect(
  agent: Agent,
  options: Options,
  timeoutMs?: number,
): AsyncGenerator<shell.DiagChunk, void, undefined> {
  const system = options.source === "dmesg" || options.source === "syslog";
  const request = {
    sourceFilter: system ? "system" : options.source,
    serviceName: options.service ?? "",
    grepPattern: options.grep ?? "",
    lineLimit: options.lines,
  };
  yield* agent.peer.stream(
    (callOptions) => agent.shell.collectDiag(request, callOptions),
    timeoutMs === undefined ? {} : { timeoutMs },
  );
}

async function collectOne(
  { out }: CommandContext,
  agent: Agent,
  options: Options,
): Promise<number> {
  let source: string | undefined;
  let any = false;
  for await (const chunk of collect(agent, options)) {
    if (chunk.lines.length === 0 && !chunk.truncated) continue;
    any = true;
    const heading = chunk.source === source ? [] : [`--- ${printable(chunk.source)} ---`];
    source = chunk.source;
    const end = chunk.truncated ? ["(truncated)"] : [];
    await out.event([...heading, ...chunk.lines.map(printable), ...end].join("\n"), {
      node_id: agent.node,
      source: chunk.source,
      lines: chunk.lines,
      truncated: chunk.truncated,
    });
  }
  if (!any && out.format === "text") await out.result(["No log entries found."], null);
  return EXIT.ok;
}

async function collectFleet(
  context: CommandContext,
  vcluster: string,
  options: Options,
): Promise<number> {
  const filter = { vclusterId: vcluster, stateFilter: "" };
  const { nodes } = await listNodeStates(await context.session.journal(), filter);
  if (nodes.length === 0) {
    await context.out.note("no nodes found");
    return EXIT.ok;
  }
  const reached = await forEachNode(nodes, (node) => collectFrom(context, node, options));
  return reached.includes(true) ? EXIT.ok : EXIT.unreachable;
}

/** Prints one node's lines; false when it could not be reached. */
async function collectFrom(
  { out, session }: CommandContext,
  node: string,
  options: Options,
): Promise<boolean> {
  try {
    for await (const chunk of collect(await session.agent(node), options, NODE_TIMEOUT_MS)) {
      for (const line of chunk.lines) {
        await out.event(`[${printable(node)}] ${printable(line)}`, {
          node_id: node,
          source: chunk.source,
          line,
        });
      }
    }
    return true;
  } catch (error) {
    // A request that is wrong for one node is wrong for all; a node that is away is not.
    if (!(error instanceof Failure) || error.code === "INVALID_ARGUMENT") throw error;
    if (error.exitCode === EXIT.refused || error.code === "INTERRUPTED") throw error;
    await out.note(`[WARN] ${node}: unreachable`);
    return false;
  }
}
