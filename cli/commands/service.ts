import { object, or } from "@optique/core/constructs";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { capability } from "../../api/mod.ts";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { localNode } from "../nodes/mod.ts";
import { printable, tableLines } from "../output/mod.ts";
import type { Agent } from "../session/mod.ts";
import { SERVICE_COLUMNS, serviceJson, serviceRow } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { approvalOption, noWaitOption, withPermit } from "./approval.ts";
import { forEachNode, listNodeStates } from "./fleet.ts";
import { type ActionParser, define, say, word } from "./parsing.ts";
import { requireVCluster, targetAgent } from "./targets.ts";

const nodeOption = optional(option("--node", word("NODE"), { description: say("The node.") }));

type Operation = "start" | "stop" | "restart";

interface ControlOptions {
  readonly name: string;
  readonly node: string | undefined;
  readonly noWait: true | undefined;
  readonly approval: string | undefined;
}

function controlCommand(operation: Operation, brief: string) {
  return define(
    operation,
    brief,
    object({
      name: argument(word("NAME")),
      node: nodeOption,
      noWait: noWaitOption,
      approval: approvalOption,
    }),
    (options) => action((context) => control(context, operation, options)),
  );
}

/** `pact service ...` (CLI-92). */
export const serviceCommand: ActionParser = or(
  define(
    "status",
    "Show the services of a node.",
    object({ name: optional(argument(word("NAME"))), node: nodeOption }),
    ({ name, node }) => action((context) => status(context, name, node)),
  ),
  controlCommand("start", "Start a service."),
  controlCommand("stop", "Stop a service and what depends on it."),
  controlCommand("restart", "Restart a service."),
  define(
    "logs",
    "Show what a service wrote.",
    object({
      name: argument(word("NAME")),
      node: nodeOption,
      lines: withDefault(
        option("-n", integer({ metavar: "LINES", min: 0, max: 10_000 }), {
          description: say("How many of the last lines; default 50."),
        }),
        50,
      ),
      follow: optional(flag("-f", "--follow", { description: say("Go on as it writes more.") })),
    }),
    (options) => action((context) => logs(context, options)),
  ),
);

async function status(
  context: CommandContext,
  name: string | undefined,
  node: string | undefined,
): Promise<number> {
  const vcluster = context.flags["vcluster"];
  if (node === undefined && vcluster !== undefined) {
    return await showVCluster(context, requireVCluster(vcluster), name);
  }
  const byDefault = node ?? await localNode(context.settings);
  if (byDefault === undefined && name !== undefined) {
    // Scripts written for older tools give the node as the first word.
    return await showServices(context, await targetAgent(context, name), undefined);
  }
  const agent = await targetAgent(context, byDefault);
  if (name === undefined || node !== undefined || await hasService(agent, name)) {
    return await showServices(context, agent, name);
  }
  return await isEnrolled(context, name)
    ? await showServices(context, await targetAgent(context, name), undefined)
    : await showServices(context, agent, name);
}

async function showServices(
  { out }: CommandContext,
  agent: Agent,
  name: string | undefined,
): Promise<number> {
  const all = await listServices(agent);
  const services = name === undefined ? all : all.filter((service) => service.name === name);
  if (name !== undefined && services.length === 0) {
    throw new Failure(
      "NOT_FOUND",
      `Not found: service ${printable(name)} on ${agent.node}`,
      EXIT.general,
      all.length === 0 ? [] : [`there are: ${all.map((service) => service.name).join(", ")}`],
    );
  }
  const lines = services.length === 0
    ? ["(no services)"]
    : tableLines(SERVICE_COLUMNS, services.map(serviceRow), out.paint);
  await out.result(lines, { node_id: agent.node, services: services.map(serviceJson) });
  return EXIT.ok;
}

/** The services of every node of a vCluster; a node that is away is a warning. */
async function showVCluster(
  context: CommandContext,
  vcluster: string,
  name: string | undefined,
): Promise<number> {
  const { session, out } = context;
  const filter = { vclusterId: vcluster, stateFilter: "" };
  const { nodes } = await listNodeStates(await session.journal(), filter);
  const answers = await forEachNode(nodes, async (nodeId) => {
    try {
      const services = await listServices(await session.agent(nodeId));
      return {
        nodeId,
        services: services.filter((service) => name === undefined || service.name === name),
      };
    } catch (error) {
      if (!(error instanceof Failure) || error.exitCode !== EXIT.unreachable) throw error;
      await out.note(`[WARN] ${nodeId}: unreachable`);
      return { nodeId, services: undefined };
    }
  });
  const rows = answers.flatMap(({ nodeId, services }) =>
    (services ?? []).map((service) => [printable(nodeId), ...serviceRow(service)])
  );
  const columns = [{ heading: "NODE" }, ...SERVICE_COLUMNS];
  await out.result(rows.length === 0 ? ["(no services)"] : tableLines(columns, rows, out.paint), {
    vcluster_id: vcluster,
    nodes: answers.map(({ nodeId, services }) => ({
      node_id: nodeId,
      reachable: services !== undefined,
      services: (services ?? []).map(serviceJson),
    })),
  });
  const isAllAway = answers.length > 0 &&
    answers.every(({ services }) => services === undefined);
  return isAllAway ? EXIT.unreachable : EXIT.ok;
}

async function listServices(agent: Agent): Promise<capability.ServiceStatus[]> {
  const { services } = await agent.peer.read((options) =>
    agent.shell.serviceControl({ service: "", operation: "status" }, options)
  );
  return services;
}

async function hasService(agent: Agent, name: string): Promise<boolean> {
  return (await listServices(agent)).some((service) => service.name === name);
}

async function isEnrolled({ session }: CommandContext, name: string): Promise<boolean> {
  try {
    const { peer, enrollment } = await session.journal();
    await peer.read((options) => enrollment.inspectNode({ nodeId: name }, options));
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code !== "UNAUTHENTICATED") return false;
    throw error;
  }
}

async function control(
  context: CommandContext,
  operation: Operation,
  { name, node, noWait, approval }: ControlOptions,
): Promise<number> {
  const agent = await targetAgent(context, node);
  const waiting = { noWait: noWait === true, scope: { Node: agent.node }, approval };
  const answer = await withPermit(context, waiting, (approvalId) =>
    agent.peer.write(
      (options) => agent.shell.serviceControl({ service: name, operation }, options),
      approvalId === undefined ? {} : { approvalId },
    ));
  const own = answer.services.filter((service) => service.name === name);
  const rows = own.map((service) => `Service ${printable(name)}: ${printable(service.state)}`);
  const message = printable(answer.message);
  await context.out.result(
    message === "" ? rows.length === 0 ? [`Service ${printable(name)}: ok`] : rows : [message],
    {
      node_id: agent.node,
      operation,
      service: name,
      message: answer.message,
      services: answer.services.map(serviceJson),
    },
  );
  return EXIT.ok;
}

interface LogOptions {
  readonly name: string;
  readonly node: string | undefined;
  readonly lines: number;
  readonly follow: true | undefined;
}

async function logs(
  context: CommandContext,
  { name, node, lines, follow }: LogOptions,
): Promise<number> {
  if (name === "") throw usageFailure("name a service");
  const agent = await targetAgent(context, node);
  const request = { service: name, tail: lines, follow: follow === true };
  const chunks = agent.peer.stream((options) => agent.shell.serviceLogs(request, options));
  let any = false;
  for await (const chunk of chunks) {
    for (const line of chunk.lines) {
      any = true;
      await context.out.event(printable(line), { service: name, line });
    }
    if (chunk.truncated) await context.out.note("(truncated)");
  }
  if (!any && context.out.format === "text") await context.out.note("No log entries found.");
  return EXIT.ok;
}
