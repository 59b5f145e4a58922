import { create } from "@bufbuild/protobuf";
import { config, journal } from "../../api/mod.ts";
import {
  type OverlayDocument,
  OverlayDocumentSchema,
  type PolicySettings,
  type StateDelta,
} from "../../common/model/mod.ts";
import { dependencyFault, faultText } from "../../common/service_graph/mod.ts";
import { withoutNulls } from "../../common/json/mod.ts";
import { deltaToWire, scopeToWire } from "../../common/wire/mod.ts";
import { codedFailure, Failure } from "../failure/mod.ts";
import { jsonFromBytes } from "../json/mod.ts";
import type { Journal } from "../session/mod.ts";
import { type Acknowledgement, effectiveChanges, type VClusterChanges } from "../spec/mod.ts";
import type { CommandContext } from "./action.ts";
import { withApproval, type Written } from "./approval.ts";
import { changedSettings, type CurrentPolicy, currentPolicy, updatePolicy } from "./policy.ts";

/** What of one vCluster's spec is news, and on top of what. */
export interface PlannedChanges {
  readonly vcluster: string;
  readonly delta: StateDelta;
  readonly policy: Partial<PolicySettings>;
  readonly current: CurrentPolicy;
  readonly changed: number;
  readonly unchanged: number;
  /** Why no node could start the services as they would be then; the journal refuses it (SVC-1). */
  readonly serviceFault: string | undefined;
}

/** What applying came to. */
export interface Applied {
  /** Of the Commit entry; undefined when nothing needed one. */
  readonly sequence: number | undefined;
  readonly policyVersion: number | undefined;
  readonly policyRef: string;
}

/** How to apply. */
export interface ApplyHow {
  readonly file: string;
  readonly message: string | undefined;
  readonly expect: number | undefined;
  readonly noWait: true | undefined;
  readonly acknowledgements: readonly Acknowledgement[];
}

/** Compares a spec with what is in effect (CLI-74). */
export async function planChanges(
  journal: Journal,
  { vcluster, delta, policy }: VClusterChanges,
): Promise<PlannedChanges> {
  const overlay = await overlayOf(journal, vcluster);
  const effective = effectiveChanges(delta, overlay);
  const current = await currentPolicy(journal, vcluster);
  const changedPolicy = policy === undefined ? {} : changedSettings(policy, current.settings);
  const policyCount = Object.keys(changedPolicy).length;
  return {
    vcluster,
    delta: effective.delta,
    policy: changedPolicy,
    current,
    changed: effective.changed + policyCount,
    unchanged: effective.unchanged + Object.keys(policy ?? {}).length - policyCount,
    serviceFault: serviceFault(effective.delta, overlay),
  };
}

function serviceFault(
  { services = [] }: StateDelta,
  overlay: OverlayDocument | undefined,
): string | undefined {
  if (services.length === 0) return undefined;
  const dependenciesOf = new Map<string, readonly string[]>(
    overlay?.services.map(({ name, depends_on }) => [name, depends_on ?? []]),
  );
  for (const { action, key, value } of services) {
    if (action === "Remove") dependenciesOf.delete(key);
    else if (typeof value === "object") dependenciesOf.set(key, value.depends_on ?? []);
    else dependenciesOf.set(key, dependenciesOf.get(key) ?? []);
  }
  const fault = dependencyFault(dependenciesOf);
  return fault && faultText(fault);
}

/** The vCluster's overlay; undefined when it has none yet. */
async function overlayOf(
  { peer, config }: Journal,
  vcluster: string,
): Promise<OverlayDocument | undefined> {
  try {
    const { data } = await peer.read((call) => config.getOverlay({ vclusterId: vcluster }, call));
    const json = jsonFromBytes(data);
    return OverlayDocumentSchema.parse(withoutNulls(json));
  } catch (error) {
    if (error instanceof Failure && error.code === "NOT_FOUND") return undefined;
    if (error instanceof Failure) throw error;
    throw codedFailure("DATA_CORRUPT", `the journal's overlay of ${vcluster} cannot be read`);
  }
}

function baseName(file: string): string {
  return file === "-" ? "standard input" : file.slice(file.lastIndexOf("/") + 1);
}

/** Appends the Commit and updates the policy; each only when there is something to it (CLI-72). */
export async function applyChanges(
  context: CommandContext,
  plan: PlannedChanges,
  how: ApplyHow,
): Promise<Applied> {
  const journal = await context.session.journal();
  const message = how.message ?? baseName(how.file);
  const sequence = Object.keys(plan.delta).length === 0
    ? undefined
    : (await appendCommit(context, journal, plan, how, message)).sequence;
  if (sequence !== undefined) journal.peer.noteWrite(BigInt(sequence));
  if (Object.keys(plan.policy).length === 0) {
    return { sequence, policyVersion: undefined, policyRef: "" };
  }
  const { version, policyRef } = await updatePolicy(journal, {
    vcluster: plan.vcluster,
    changed: plan.policy,
    current: plan.current,
    message,
    expectedVersion: plan.current.version,
  });
  return { sequence, policyVersion: version, policyRef };
}

async function appendCommit(
  context: CommandContext,
  { peer, config: service }: Journal,
  { vcluster, delta }: PlannedChanges,
  { file, expect, noWait, acknowledgements }: ApplyHow,
  message: string,
): Promise<Written> {
  const scope = { VCluster: vcluster };
  const request = create(journal.AppendEntryRequestSchema, {
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: scopeToWire(scope),
      stateDelta: deltaToWire(delta),
      policyRef: `apply:${file}`.slice(0, 4096),
      message,
    },
    promoteDecisions: acknowledgements.map(({ node, category, key, decision }) => ({
      nodeId: node,
      category,
      key,
      decision,
    })),
    ...(expect !== undefined && { expectedHead: BigInt(expect) }),
  });
  return await withApproval(context, { noWait: noWait === true, scope }, async () => {
    const answer = await peer.write((call) => service.appendEntry(request, call));
    return { sequence: Number(answer.sequence), policyRef: answer.policyRef };
  });
}
