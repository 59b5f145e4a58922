import { timestampMs } from "@bufbuild/protobuf/wkt";
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag } from "@optique/core/primitives";
import { capability } from "../../api/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import { agoText } from "../output/mod.ts";
import { capabilityLines, messageJson } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { say, withAction, word } from "./parsing.ts";
import { targetAgent } from "./targets.ts";

interface Options {
  readonly node: string | undefined;
  readonly refresh: true | undefined;
}

/** `pact cap [NODE]` (CLI-53). */
export const capCommand = withAction(
  object({
    node: optional(argument(word("NODE"))),
    refresh: optional(flag("--refresh", {
      description: say("Insist on what the node sees now, not its last report."),
    })),
  }),
  (options) => action((context) => cap(context, options)),
);

async function cap(context: CommandContext, { node, refresh }: Options): Promise<number> {
  const agent = await targetAgent(context, node);
  try {
    const report = await agent.peer.read((options) => agent.shell.getCapability({}, options));
    await show(context, report, "agent");
  } catch (error) {
    const unreachable = error instanceof Failure && error.exitCode === EXIT.unreachable;
    if (!unreachable || refresh === true || node === undefined) throw error;
    const { peer, fleet } = await context.session.journal();
    const report = await peer.read((options) => fleet.getCapability({ nodeId: node }, options));
    await show(context, report, "journal");
  }
  return EXIT.ok;
}

async function show(
  { out, host }: CommandContext,
  report: capability.CapabilityReport,
  source: "agent" | "journal",
): Promise<void> {
  const atMs = report.timestamp && timestampMs(report.timestamp);
  const age = agoText(atMs, host.clock.nowMs());
  const origin = source === "agent"
    ? "Source: agent"
    : `Source: last report at the journal (${age})`;
  const json = messageJson(capability.CapabilityReportSchema, report);
  await out.result([...capabilityLines(report), origin], { source, ...json });
}
