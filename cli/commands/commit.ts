import { create } from "@bufbuild/protobuf";
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { config, journal } from "../../api/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { TTL_MAX_SECONDS, TTL_MIN_SECONDS } from "../../common/model/mod.ts";
import { deltaFromWire, scopeToWire } from "../../common/wire/mod.ts";
import { codedFailure, EXIT, usageFailure } from "../failure/mod.ts";
import { localNode } from "../nodes/mod.ts";
import { printable } from "../output/mod.ts";
import { deltaJson } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { approvalOption, noWaitOption, withApproval, type Written } from "./approval.ts";
import { duration, say, sequence, withAction, word } from "./parsing.ts";
import { targetAgent, targetVCluster } from "./targets.ts";

const MAX_MESSAGE_CHARS = 4096;

interface Options {
  readonly message: string;
  readonly node: string | undefined;
  readonly ttl: number | undefined;
  readonly expect: number | undefined;
  readonly endEmergency: true | undefined;
  readonly noWait: true | undefined;
  readonly approval: string | undefined;
}

/** `pact commit -m MSG` (CLI-60). */
export const commitCommand = withAction(
  object({
    message: option("-m", "--message", word("MSG"), { description: say("Why.") }),
    node: optional(option("--node", word("NODE"), {
      description: say("Commit what has changed on this node."),
    })),
    ttl: optional(option("--ttl", duration(), {
      description: say("Take it back after this time: 15m to 10d."),
    })),
    expect: optional(option("--expect", sequence(), {
      description: say("Refuse when the newest entry of the scope is another one."),
    })),
    endEmergency: optional(flag("--end-emergency", {
      description: say("Also end the open emergency."),
    })),
    noWait: noWaitOption,
    approval: approvalOption,
  }),
  (options) => action((context) => commit(context, options)),
);

async function commit(context: CommandContext, options: Options): Promise<number> {
  requireMessage(options.message);
  requireTtl(options.ttl);
  const ownNode = context.flags["vcluster"] === undefined
    ? await localNode(context.settings)
    : undefined;
  const node = options.node ?? ownNode;
  return node === undefined
    ? await commitVCluster(context, options)
    : await commitNode(context, node, options);
}

/** @throws {Failure} exit 1 for a message that says nothing, or too much. */
export function requireMessage(message: string): void {
  if (message.trim() === "") throw usageFailure("-m: the message is blank");
  if ([...message].length > MAX_MESSAGE_CHARS) {
    throw usageFailure(`-m: the message is longer than ${MAX_MESSAGE_CHARS} characters`);
  }
}

function requireTtl(ttl: number | undefined): void {
  if (ttl === undefined || (ttl >= TTL_MIN_SECONDS && ttl <= TTL_MAX_SECONDS)) return;
  throw codedFailure(
    "TTL_OUT_OF_BOUNDS",
    `TTL ${ttl}s out of range [${TTL_MIN_SECONDS}, ${TTL_MAX_SECONDS}]`,
  );
}

async function commitNode(
  context: CommandContext,
  node: string,
  { message, ttl, expect, noWait, approval }: Options,
): Promise<number> {
  const agent = await targetAgent(context, node);
  let changes: ReturnType<typeof deltaJson> = [];
  const waiting = { noWait: noWait === true, scope: { Node: agent.node }, approval };
  const written = await withApproval(context, waiting, async (approvalId) => {
    const answer = await agent.peer.write((call) =>
      agent.shell.localCommit({
        message,
        ttlSeconds: ttl ?? 0,
        ...(expect !== undefined && { expectedHead: BigInt(expect) }),
      }, call), approvalId === undefined ? {} : { approvalId });
    changes = answer.delta === undefined ? [] : deltaJson(deltaFromWire(answer.delta));
    return { sequence: Number(answer.sequence), policyRef: answer.policyRef };
  });
  await report(
    context,
    `node: ${printable(agent.node)}`,
    { node_id: agent.node, changes },
    written,
  );
  return EXIT.ok;
}

async function commitVCluster(context: CommandContext, options: Options): Promise<number> {
  const vcluster = await targetVCluster(context);
  const scope: Scope = { VCluster: vcluster };
  const { peer, config: service } = await context.session.journal();
  const { message, ttl, expect, endEmergency, noWait } = options;
  const request = create(journal.AppendEntryRequestSchema, {
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: scopeToWire(scope),
      message,
      ...(ttl !== undefined && { ttl: { seconds: BigInt(ttl), nanos: 0 } }),
    },
    endEmergency: endEmergency === true,
    ...(expect !== undefined && { expectedHead: BigInt(expect) }),
  });
  const waiting = { noWait: noWait === true, scope };
  const written = await withApproval(context, waiting, async () => {
    const answer = await peer.write((call) => service.appendEntry(request, call));
    return { sequence: Number(answer.sequence), policyRef: answer.policyRef };
  });
  await report(context, `vCluster: ${vcluster}`, { vcluster_id: vcluster }, written);
  return EXIT.ok;
}

/** Tag of what a node recorded by itself while the journal was away (JRN-24). */
const DEGRADED = "degraded:";

async function report(
  { out }: CommandContext,
  where: string,
  target: Parameters<CommandContext["out"]["result"]>[1] & object,
  { sequence, policyRef }: Written,
): Promise<void> {
  const isRecordedLocally = policyRef.startsWith(DEGRADED);
  const first = isRecordedLocally
    ? `Committed on ${where} — the journal gets it when it is back`
    : `Committed (seq:${sequence}) on ${where}`;
  const policy = policyRef === "" ? [] : [`  policy: ${printable(policyRef)}`];
  await out.result([first, ...policy], {
    sequence: isRecordedLocally ? null : sequence,
    ...target,
    policy_ref: policyRef === "" ? null : policyRef,
  });
}
