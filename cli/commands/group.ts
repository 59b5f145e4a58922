import { object, or } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { canonicalJson } from "../../common/json/mod.ts";
import { EXIT, usageFailure } from "../failure/mod.ts";
import { asJson } from "../json/mod.ts";
import { type Column, plural, printable, tableLines } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { requireMessage } from "./commit.ts";
import { listNodeStates } from "./fleet.ts";
import { type ActionParser, define, say, sequence, word } from "./parsing.ts";
import { optionalExtra } from "./optional.ts";
import { changedSettings, currentPolicy, policyJson, policyLines, updatePolicy } from "./policy.ts";
import { readSettings } from "./policy_settings.ts";
import { requireVCluster } from "./targets.ts";

const nameArgument = argument(word("NAME"));

/** `pact group ...` (CLI-110, CLI-111). */
export const groupCommand: ActionParser = or(
  define("list", "Show the vClusters.", object({}), () => action(list)),
  define("show", "Show a vCluster, its policy and its nodes.", object({ name: nameArgument }), (
    { name },
  ) => action((context) => show(context, requireVCluster(name)))),
  define(
    "set-policy",
    "Change a vCluster's policy.",
    object({
      name: nameArgument,
      file: argument(word("FILE")),
      expect: optional(option("--expect", sequence(), {
        description: say("Refuse when the policy has another version."),
      })),
      message: optional(option("-m", "--message", word("MSG"), { description: say("Why.") })),
      dryRun: optional(flag("--dry-run", {
        description: say("Only show what would change."),
      })),
    }),
    (options) => action((context) => setPolicy(context, options)),
    { footer: say("FILE is TOML with the settings to change; the others stay as they are.") },
  ),
);

const COLUMNS: readonly Column[] = [
  { heading: "VCLUSTER", width: 20 },
  { heading: "NODES", width: 8 },
  { heading: "MODE", width: 12 },
  { heading: "2PA" },
];

async function list({ session, out }: CommandContext): Promise<number> {
  const { peer, fleet } = await session.journal();
  const { vclusters } = await peer.read((call) => fleet.listVClusters({}, call));
  const rows = vclusters.map((vcluster) => [
    printable(vcluster.vclusterId),
    String(vcluster.nodeCount),
    printable(vcluster.enforcementMode),
    vcluster.twoPersonApproval ? "yes" : "no",
  ]);
  const lines = rows.length === 0
    ? ["No vClusters configured."]
    : tableLines(COLUMNS, rows, out.paint);
  await out.result(lines, {
    vclusters: vclusters.map((vcluster) => ({
      vcluster_id: vcluster.vclusterId,
      node_count: vcluster.nodeCount,
      enforcement_mode: vcluster.enforcementMode,
      two_person_approval: vcluster.twoPersonApproval,
      regulated: vcluster.regulated,
      emergency_allowed: vcluster.emergencyAllowed,
      overlay_version: Number(vcluster.overlayVersion),
      policy_version: Number(vcluster.policyVersion),
      pending_approvals: vcluster.pendingApprovals,
      drifted_nodes: vcluster.driftedNodes,
    })),
  });
  return EXIT.ok;
}

async function show({ session, out }: CommandContext, vcluster: string): Promise<number> {
  const journal = await session.journal();
  const { peer, fleet } = journal;
  const { vclusters } = await peer.read((call) => fleet.listVClusters({}, call));
  const summary = vclusters.find(({ vclusterId }) => vclusterId === vcluster);
  if (summary === undefined) throw usageFailure(`Not found: vCluster ${vcluster}`);
  const { settings, version } = await currentPolicy(journal, vcluster);
  const { nodes } = await listNodeStates(journal, { vclusterId: vcluster, stateFilter: "" });
  const emergencies = await optionalExtra(() =>
    peer.read((call) => fleet.listEmergencies({ vclusterId: vcluster }, call))
  );
  const names = nodes.map(({ nodeId }) => nodeId);
  await out.result([
    `vCluster: ${vcluster}`,
    `Nodes: ${names.length === 0 ? "(none)" : names.map(printable).join(", ")}`,
    `Overlay version: ${summary.overlayVersion}`,
    `Open emergencies: ${emergencies?.sessions.length ?? "unknown"}`,
    `Pending approvals: ${summary.pendingApprovals}`,
    `Policy (version ${version}):`,
    ...Object.entries(settings).map(([key, value]) => `  ${key} = ${valueText(value)}`),
  ], {
    vcluster_id: vcluster,
    nodes: names,
    overlay_version: Number(summary.overlayVersion),
    open_emergencies: emergencies?.sessions.length ?? null,
    pending_approvals: summary.pendingApprovals,
    policy_version: version,
    policy: asJson(settings),
  });
  return EXIT.ok;
}

function valueText(value: unknown): string {
  return printable(canonicalJson(asJson(value)));
}

interface SetOptions {
  readonly name: string;
  readonly file: string;
  readonly expect: number | undefined;
  readonly message: string | undefined;
  readonly dryRun: true | undefined;
}

async function setPolicy(context: CommandContext, options: SetOptions): Promise<number> {
  const vcluster = requireVCluster(options.name);
  if (options.message !== undefined) requireMessage(options.message);
  const wanted = await readSettings(context, options.file);
  const journal = await context.session.journal();
  const current = await currentPolicy(journal, vcluster);
  const changed = changedSettings(wanted, current.settings);
  const lines = policyLines(changed, current.settings);
  const document = { vcluster_id: vcluster, changes: policyJson(changed, current.settings) };
  if (lines.length === 0) {
    await context.out.result([`Policy of ${vcluster}: no changes`], {
      ...document,
      version: current.version,
    });
    return EXIT.ok;
  }
  if (options.dryRun === true) {
    await context.out.result(
      [`Policy of ${vcluster}: ${plural(lines.length, "change")}`, ...lines],
      {
        dry_run: true,
        ...document,
      },
    );
    return EXIT.ok;
  }
  const { version, policyRef } = await updatePolicy(journal, {
    vcluster,
    changed,
    current,
    message: options.message ?? options.file,
    expectedVersion: options.expect ?? current.version,
  });
  await context.out.result([
    ...lines,
    `Policy updated for ${vcluster} (version ${version}, ${policyRef})`,
  ], { ...document, version, policy_ref: policyRef });
  return EXIT.ok;
}
