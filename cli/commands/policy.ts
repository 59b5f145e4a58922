import { create } from "@bufbuild/protobuf";
import { policy as wire } from "../../api/mod.ts";
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import { type PolicySettings, PolicySettingsSchema } from "../../common/model/mod.ts";
import { settingsFromWire, settingsToWire } from "../../common/wire/mod.ts";
import { codedFailure, Failure, usageFailure } from "../failure/mod.ts";
import { asJson } from "../json/mod.ts";
import { printable } from "../output/mod.ts";
import type { Journal } from "../session/mod.ts";

/** The settings in effect for a vCluster, and the version they are. */
export interface CurrentPolicy {
  readonly settings: PolicySettings;
  readonly version: number;
}

/** The policy of a vCluster; one the journal does not know yet has the defaults, version 0. */
export async function currentPolicy(
  { peer, policy }: Journal,
  vcluster: string,
): Promise<CurrentPolicy> {
  try {
    const answer = await peer.read((call) =>
      policy.getEffectivePolicy({ vclusterId: vcluster }, call)
    );
    return { settings: settingsFromWire(answer), version: Number(answer.version) };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "NOT_FOUND") throw error;
    return { settings: PolicySettingsSchema.parse({}), version: 0 };
  }
}

/** The settings of `wanted` that differ from `current`. */
export function changedSettings(
  wanted: Partial<PolicySettings>,
  current: PolicySettings,
): Partial<PolicySettings> {
  const text = (value: unknown) => canonicalJson(asJson(value));
  const before: Readonly<Record<string, unknown>> = current;
  return Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) =>
      before[key] === undefined || text(value) !== text(before[key])
    ),
  );
}

/** One line per setting that changes. */
export function policyLines(changed: Partial<PolicySettings>, current: PolicySettings): string[] {
  const before: Readonly<Record<string, unknown>> = current;
  return Object.entries(changed).map(([key, value]) => {
    const was = before[key] === undefined ? "(unset)" : valueText(before[key]);
    return `  ~ policy: ${key}: ${was} → ${valueText(value)}`;
  });
}

function valueText(value: unknown): string {
  return printable(typeof value === "string" ? value : canonicalJson(asJson(value)));
}

/** Changed settings as JSON. */
export function policyJson(
  changed: Partial<PolicySettings>,
  current: PolicySettings,
): JsonValue[] {
  const before: Readonly<Record<string, unknown>> = current;
  return Object.entries(changed).map(([key, value]) => ({
    key,
    value: asJson(value),
    previous: asJson(before[key] ?? null),
  }));
}

/** What an update of a policy says and expects. */
export interface PolicyUpdate {
  readonly vcluster: string;
  readonly changed: Partial<PolicySettings>;
  readonly current: CurrentPolicy;
  readonly message: string;
  /** Version that must still be in force. */
  readonly expectedVersion: number;
}

/**
 * Puts changed settings on top of the current ones and stores the whole.
 *
 * @returns the new policy's version and reference.
 * @throws {Failure} exit 3 when the journal finds the policy invalid.
 */
export async function updatePolicy(
  { peer, policy }: Journal,
  { vcluster, changed, current, message, expectedVersion }: PolicyUpdate,
): Promise<{ version: number; policyRef: string }> {
  const settings = PolicySettingsSchema.safeParse({ ...current.settings, ...changed });
  if (!settings.success) {
    const issue = settings.error.issues[0];
    throw usageFailure(`policy ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const request = create(wire.UpdatePolicyRequestSchema, {
    vclusterId: vcluster,
    policy: { ...settingsToWire(settings.data), vclusterId: vcluster },
    message,
    ...(expectedVersion > 0 && { expectedVersion: BigInt(expectedVersion) }),
  });
  const answer = await peer.write((call) => policy.updatePolicy(request, call));
  if (!answer.success) throw codedFailure("INVALID_ARGUMENT", answer.error ?? "policy refused");
  return { version: current.version + 1, policyRef: answer.policyRef };
}
