import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import type { enrollment } from "../../api/mod.ts";
import { isErrorCode } from "../../common/errors/mod.ts";
import { EXIT, exitCodeOf, usageFailure } from "../failure/mod.ts";
import { printable } from "../output/mod.ts";
import { readSpecText } from "../spec/mod.ts";
import type { CommandContext } from "./action.ts";
import { MAX_BATCH_NODES, parseBatchFile } from "./batch_file.ts";
import { hardwareIdentity, type HardwareOptions, hardwareOptions } from "./hardware.ts";
import { say, word } from "./parsing.ts";
import { requireNodeId, requireVCluster } from "./targets.ts";

/** What `pact enroll` and `pact node enroll` take. */
export const enrollParser = object({
  node: optional(argument(word("NODE"))),
  batch: optional(option("--batch", word("FILE"), {
    description: say("A CSV file of nodes; - reads it from standard input."),
  })),
  ...hardwareOptions,
});

/** What was given. */
export interface EnrollOptions extends HardwareOptions {
  readonly node: string | undefined;
  readonly batch: string | undefined;
}

/** Registers one node, or those of a file (CLI-113, CLI-114). */
export function enroll(
  context: CommandContext,
  { node, batch, ...hardware }: EnrollOptions,
): Promise<number> {
  if (batch !== undefined) {
    const isAlone = node === undefined && hardware.hardwareIds.length === 0 &&
      Object.values(hardware).every((value) => Array.isArray(value) || value === undefined);
    if (!isAlone) {
      throw usageFailure("--batch FILE says everything: give no NODE and no identifiers");
    }
    return enrollBatch(context, batch);
  }
  if (node === undefined) throw usageFailure("say which node: NODE, or --batch FILE");
  return enrollOne(context, node, hardware);
}

async function enrollOne(
  context: CommandContext,
  node: string,
  hardware: HardwareOptions,
): Promise<number> {
  const vcluster = context.flags["vcluster"];
  const request = {
    nodeId: requireNodeId(node),
    hardwareIdentity: hardwareIdentity(hardware),
    vclusterId: vcluster === undefined ? "" : requireVCluster(vcluster),
  };
  const { peer, enrollment } = await context.session.journal();
  const answer = await peer.write((call) => enrollment.registerNode(request, call));
  const state = printable(answer.enrollmentState);
  await context.out.result([`Enrolled node ${printable(answer.nodeId)} — state: ${state}`], {
    node_id: answer.nodeId,
    enrollment_state: answer.enrollmentState,
    vcluster_id: vcluster ?? null,
  });
  return EXIT.ok;
}

/** Every node of a file in one call; exits with the code of the first failure (CLI-114). */
async function enrollBatch(context: CommandContext, file: string): Promise<number> {
  const vcluster = context.flags["vcluster"];
  const { text, name } = await readSpecText(context.host, file);
  const nodes = parseBatchFile(text, name, vcluster);
  if (nodes.length > MAX_BATCH_NODES) {
    throw usageFailure(`${name} has ${nodes.length} nodes: at most ${MAX_BATCH_NODES} in one file`);
  }
  const { peer, enrollment } = await context.session.journal();
  const answer = await peer.write((call) => enrollment.batchRegisterNodes({ nodes }, call));
  await context.out.result([
    ...answer.results.map(resultLine),
    `${answer.succeeded} succeeded, ${answer.failed} failed`,
  ], {
    results: answer.results.map((result) => ({
      node_id: result.nodeId,
      enrollment_state: result.enrollmentState || null,
      error: result.error || null,
      error_code: result.errorCode || null,
    })),
    succeeded: answer.succeeded,
    failed: answer.failed,
  });
  const failed = answer.results.find(({ success }) => !success);
  return failed === undefined ? EXIT.ok : exitOf(failed);
}

function resultLine(result: enrollment.BatchNodeResult): string {
  const node = printable(result.nodeId);
  return result.success
    ? `${node}: ${printable(result.enrollmentState)}`
    : `${node}: ERROR ${printable(result.error)}`;
}

function exitOf({ errorCode }: enrollment.BatchNodeResult): number {
  return isErrorCode(errorCode) ? exitCodeOf(errorCode) : EXIT.general;
}
