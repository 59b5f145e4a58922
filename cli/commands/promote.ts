import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import type { journal } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { countItems, type StateDelta } from "../../common/model/mod.ts";
import { deltaFromWire } from "../../common/wire/mod.ts";
import { codedFailure, EXIT } from "../failure/mod.ts";
import { plural, printable } from "../output/mod.ts";
import type { Journal } from "../session/mod.ts";
import { type Acknowledgement, acknowledgementLine, fragmentToml } from "../spec/mod.ts";
import { deltaJson } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { noWaitOption, withApproval } from "./approval.ts";
import { requireMessage } from "./commit.ts";
import { say, withAction, word } from "./parsing.ts";
import { type Choices, chooseDecisions } from "./promote_decisions.ts";
import { requireNodeId } from "./targets.ts";

interface Options extends Choices {
  readonly node: string;
  readonly dryRun: true | undefined;
  readonly apply: true | undefined;
  readonly keys: readonly string[];
  readonly message: string | undefined;
  readonly noWait: true | undefined;
}

/** `pact promote NODE` (cli.md 6.2). */
export const promoteCommand = withAction(
  object({
    node: argument(word("NODE")),
    dryRun: optional(flag("--dry-run", { description: say("Only show what would happen.") })),
    apply: optional(flag("--apply", {
      description: say("Promote at once instead of printing a spec to apply."),
    })),
    keys: multiple(option("--key", word("CAT:KEY"), {
      description: say("Only this item; may be repeated."),
    })),
    overwrite: multiple(option("--overwrite", word("NODE[:KEY]"), {
      description: say("Give up the other node's own value; may be repeated."),
    })),
    keep: multiple(option("--keep", word("NODE[:KEY]"), {
      description: say("Let the other node keep its own value; may be repeated."),
    })),
    acceptAll: optional(flag("--accept-all", {
      description: say("Give up every conflicting value."),
    })),
    message: optional(option("-m", "--message", word("MSG"), { description: say("Why.") })),
    noWait: noWaitOption,
  }),
  (options) => action((context) => promote(context, options)),
);

async function promote(context: CommandContext, options: Options): Promise<number> {
  const node = requireNodeId(options.node);
  if (options.message !== undefined) requireMessage(options.message);
  const journal = await context.session.journal();
  const proposal = await propose(journal, node, options);
  const conflicts = proposal.conflicts;
  if (options.dryRun === true) return await preview(context, proposal);

  await announceConflicts(context, conflicts);
  const decisions = await chooseDecisions(context, conflicts, options, options.apply === true);
  const undecided = conflicts.length - decisions.length;
  if (options.apply !== true) {
    await context.out.result(fragmentLines(proposal, decisions), proposalJson(proposal, decisions));
    return undecided > 0 ? EXIT.promoteConflict : EXIT.ok;
  }
  if (undecided > 0) {
    const nodes = [...new Set(conflicts.map(({ nodeId }) => nodeId))].join(", ");
    const keys = [...new Set(conflicts.map(({ category, key }) => `${category}:${key}`))].join(
      ", ",
    );
    throw codedFailure(
      "PROMOTE_CONFLICT",
      `Promote blocked: nodes ${nodes} have local changes on ${keys}`,
      "decide with --overwrite NODE[:KEY], --keep NODE[:KEY] or --accept-all",
    );
  }
  return await promoteNow(context, journal, node, options, proposal, decisions);
}

/** What promoting would do. */
interface Proposal {
  readonly node: string;
  readonly vcluster: string;
  readonly delta: StateDelta;
  readonly deltaCount: number;
  readonly conflicts: readonly journal.PromoteConflict[];
}

async function propose(
  { peer, fleet }: Journal,
  node: string,
  { keys }: Options,
): Promise<Proposal> {
  const { deltas } = await peer.read((call) =>
    fleet.listDeltas({ nodeId: node, includeExpired: false }, call)
  );
  const answer = await peer.read((call) =>
    fleet.promote({ nodeId: node, dryRun: true, keys: [...keys] }, call)
  );
  return {
    node,
    vcluster: answer.vclusterId,
    delta: answer.delta === undefined ? {} : deltaFromWire(answer.delta),
    deltaCount: deltas.length,
    conflicts: answer.conflicts,
  };
}

function fragmentLines(
  { node, vcluster, delta, deltaCount }: Proposal,
  decisions: readonly Acknowledgement[],
): string[] {
  const { toml, inexpressible } = fragmentToml(vcluster, delta);
  return [
    `# Generated overlay fragment for vcluster: ${vcluster}`,
    `# From ${deltaCount} committed node ${deltaCount === 1 ? "delta" : "deltas"} on ${node}`,
    ...decisions.map(acknowledgementLine),
    ...inexpressible.map((item) => `# not expressible in a spec: ${printable(item)}`),
    ...(toml === "" ? [] : ["", ...toml.split("\n")]),
  ];
}

function proposalJson(
  { node, vcluster, delta, conflicts }: Proposal,
  decisions: readonly Acknowledgement[],
): { [key: string]: JsonValue } {
  return {
    node_id: node,
    vcluster_id: vcluster,
    toml: fragmentToml(vcluster, delta).toml,
    changes: deltaJson(delta),
    conflicts: conflicts.map(conflictJson),
    decisions: decisions.map((decision) => ({ ...decision })),
  };
}

async function preview(context: CommandContext, proposal: Proposal): Promise<number> {
  await context.out.result([
    "DRY RUN — no changes applied",
    ...fragmentLines(proposal, []),
    ...conflictLines(proposal.conflicts),
  ], { dry_run: true, ...proposalJson(proposal, []) });
  return EXIT.ok;
}

async function announceConflicts(
  { out }: CommandContext,
  conflicts: readonly journal.PromoteConflict[],
): Promise<void> {
  if (out.format === "json") return;
  for (const line of conflictLines(conflicts)) await out.note(line);
}

function conflictLines(conflicts: readonly journal.PromoteConflict[]): string[] {
  if (conflicts.length === 0) return [];
  return [
    `${conflicts.length} conflict(s) detected:`,
    ...conflicts.map(({ nodeId, key, promotedValue, localValue, author }) =>
      `  ${key} on ${nodeId}: promoted="${promotedValue}" vs local="${localValue}" (by ${author})`
    ).map(printable),
  ];
}

function conflictJson(conflict: journal.PromoteConflict): JsonValue {
  return {
    node_id: conflict.nodeId,
    category: conflict.category,
    key: conflict.key,
    promoted_value: conflict.promotedValue,
    local_value: conflict.localValue,
    author: conflict.author,
  };
}

async function promoteNow(
  context: CommandContext,
  { peer, fleet }: Journal,
  node: string,
  { keys, message, noWait }: Options,
  { vcluster, delta }: Proposal,
  decisions: readonly Acknowledgement[],
): Promise<number> {
  const waiting = { noWait: noWait === true, scope: { VCluster: vcluster } };
  let overlayVersion: number | null = null;
  const { sequence } = await withApproval(context, waiting, async () => {
    const answer = await peer.write((call) =>
      fleet.promote({
        nodeId: node,
        keys: [...keys],
        message: message ?? "",
        decisions: decisions.map(({ node, category, key, decision }) => ({
          nodeId: node,
          category,
          key,
          decision,
        })),
      }, call)
    );
    overlayVersion = Number(answer.overlayVersion);
    return { sequence: Number(answer.sequence ?? 0n), policyRef: "" };
  });
  await context.out.result([
    `Promoted to vcluster ${vcluster} (${plural(countItems(delta), "change")}, seq:${sequence}). ` +
    "Overlay updated.",
  ], {
    node_id: node,
    vcluster_id: vcluster,
    sequence,
    overlay_version: overlayVersion,
    changes: deltaJson(delta),
    decisions: decisions.map((decision) => ({ ...decision })),
  });
  return EXIT.ok;
}
