import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import type { JsonValue } from "../../common/json/mod.ts";
import { codedFailure, EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { plural } from "../output/mod.ts";
import { parseSpec, readSpecText, type VClusterChanges } from "../spec/mod.ts";
import { changeLines, deltaJson } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { type Applied, applyChanges, planChanges, type PlannedChanges } from "./apply_plan.ts";
import { ApprovalPending } from "./approval.ts";
import { requireMessage } from "./commit.ts";
import { say, sequence, withAction, word } from "./parsing.ts";
import { policyJson, policyLines } from "./policy.ts";

interface Options {
  readonly file: string;
  readonly dryRun: true | undefined;
  readonly expect: number | undefined;
  readonly message: string | undefined;
  readonly noWait: true | undefined;
}

/** `pact apply FILE` (cli.md 6.1). */
export const applyCommand = withAction(
  object({
    file: argument(word("FILE")),
    dryRun: optional(flag("--dry-run", { description: say("Only show what would change.") })),
    expect: optional(option("--expect", sequence(), {
      description: say("Refuse when the vCluster's newest entry is another one."),
    })),
    message: optional(option("-m", "--message", word("MSG"), {
      description: say("Why; default: the name of the file."),
    })),
    noWait: optional(flag("--no-wait", {
      description: say("Do not wait for an approval; exit 15 instead."),
    })),
  }),
  (options) => action((context) => apply(context, options)),
);

async function apply(context: CommandContext, options: Options): Promise<number> {
  if (options.message !== undefined) requireMessage(options.message);
  const source = await readSpecText(context.host, options.file);
  const wanted = (await parseSpec(source.text, source.name, source.readContent)).filter(asksForAny);
  if (wanted.length === 0) {
    await context.out.result(["No changes in spec file."], { vclusters: [] });
    return EXIT.ok;
  }
  if (options.expect !== undefined && wanted.length > 1) {
    throw usageFailure("--expect needs a spec with one vCluster; this one has " + wanted.length);
  }
  const journal = await context.session.journal();
  const plans: PlannedChanges[] = [];
  for (const changes of wanted) plans.push(await planChanges(journal, changes));
  return options.dryRun === true
    ? await preview(context, plans)
    : await applyAll(context, plans, { ...options, acknowledgements: source.acknowledgements });
}

function asksForAny({ delta, policy }: VClusterChanges): boolean {
  return Object.keys(delta).length > 0 || policy !== undefined;
}

async function preview(
  { out }: CommandContext,
  plans: readonly PlannedChanges[],
): Promise<number> {
  for (const { vcluster, serviceFault } of plans) {
    if (serviceFault === undefined) continue;
    throw codedFailure("INVALID_ARGUMENT", `${serviceFault} (in vCluster ${vcluster})`);
  }
  const lines = plans.flatMap((plan) => [
    `vCluster ${plan.vcluster}: ${plural(plan.changed, "change")}`,
    ...planLines(plan),
  ]);
  await out.result(lines, { dry_run: true, vclusters: plans.map(planJson) });
  return EXIT.ok;
}

function planLines({ delta, policy, current, unchanged }: PlannedChanges): string[] {
  return [
    ...changeLines(delta),
    ...policyLines(policy, current.settings),
    ...(unchanged === 0 ? [] : [`  = ${unchanged} unchanged`]),
  ];
}

function planJson(
  { vcluster, delta, policy, current, changed, unchanged }: PlannedChanges,
): { [key: string]: JsonValue } {
  return {
    vcluster_id: vcluster,
    changed,
    unchanged,
    changes: deltaJson(delta),
    policy_changes: policyJson(policy, current.settings),
  };
}

/** Applies each vCluster's changes by itself: one that fails undoes nothing of another (CLI-73). */
async function applyAll(
  context: CommandContext,
  plans: readonly PlannedChanges[],
  how: Parameters<typeof applyChanges>[2],
): Promise<number> {
  const documents: JsonValue[] = [];
  const lines: string[] = [];
  const summary: string[] = [];
  let exitCode: number = EXIT.ok;
  let onlyFailure: Failure | undefined;
  for (const plan of plans) {
    try {
      const applied = await applyChanges(context, plan, how);
      lines.push(...appliedLines(plan, applied));
      summary.push(
        `OK ${plan.vcluster}${applied.sequence === undefined ? "" : ` seq:${applied.sequence}`}`,
      );
      documents.push({ ...planJson(plan), status: "ok", sequence: applied.sequence ?? null });
    } catch (error) {
      const { line, status, code, failure } = failureOf(plan, error);
      summary.push(line);
      onlyFailure = failure;
      if (exitCode === EXIT.ok) exitCode = code;
      documents.push({ ...planJson(plan), status, error: line });
    }
  }
  // One vCluster that fails is the command's own failure, with its hints.
  if (plans.length === 1 && onlyFailure !== undefined) throw onlyFailure;
  const pendingOnly = plans.length === 1 && lines.length === 0;
  await context.out.result(plans.length === 1 && !pendingOnly ? lines : [...lines, ...summary], {
    vclusters: documents,
  });
  return exitCode;
}

interface NotApplied {
  readonly line: string;
  readonly status: "pending" | "failed";
  readonly code: number;
  readonly failure: Failure | undefined;
}

function failureOf({ vcluster }: PlannedChanges, error: unknown): NotApplied {
  if (error instanceof ApprovalPending) {
    const line = `PENDING ${vcluster}: approval ${error.approvalId}`;
    return { line, status: "pending", code: EXIT.approvalPending, failure: undefined };
  }
  if (!(error instanceof Failure) || error.code === "INTERRUPTED") throw error;
  const line = `FAILED ${vcluster}: ${error.message}`;
  return { line, status: "failed", code: error.exitCode, failure: error };
}

function appliedLines(plan: PlannedChanges, applied: Applied): string[] {
  const lines: string[] = [];
  if (applied.sequence !== undefined) {
    const count = plan.changed - Object.keys(plan.policy).length;
    lines.push(
      `Applied to vcluster ${plan.vcluster} (${plural(count, "change")}). Overlay updated.`,
    );
  }
  if (applied.policyVersion !== undefined) {
    const { policyVersion, policyRef } = applied;
    lines.push(`Policy updated for ${plan.vcluster} (version ${policyVersion}, ${policyRef})`);
  }
  if (lines.length === 0) {
    lines.push(`vCluster ${plan.vcluster}: nothing to do (${plan.unchanged} unchanged)`);
  }
  return lines;
}
