import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type config, policy as wire } from "../../../api/mod.ts";
import { type JournalSite, type JournalSiteOptions, openJournalSite } from "../journal/mod.ts";
import { repositoryRoot } from "../spawn_deno.ts";
import type { OpaServer } from "./opa_server.ts";

/** The base package that pact ships. */
export const BASE_POLICIES = `${repositoryRoot}policies/pact`;

/** A journal that asks `opa`. */
export async function siteWith(
  opa: Pick<OpaServer, "endpoint">,
  options: JournalSiteOptions = {},
  engine: Readonly<Record<string, unknown>> = {},
): Promise<JournalSite> {
  return await openJournalSite({
    ...options,
    toml: { policy: { engine: { type: "opa", opa_endpoint: opa.endpoint, ...engine } } },
  });
}

/** Gives vCluster `id` a policy that says so. */
export async function setPolicy(
  site: JournalSite,
  id: string,
  settings: Partial<Pick<wire.VClusterPolicy, "regulated" | "requireOpa" | "twoPersonApproval">>,
): Promise<void> {
  using admin = await site.as();
  const { success, error } = await admin.policy.updatePolicy({
    vclusterId: id,
    policy: create(wire.VClusterPolicySchema, { vclusterId: id, ...settings }),
  });
  assert.ok(success, error);
}

/** A vCluster as a scope of the wire. */
export const vc = (id: string) => ({ scope: { case: "vclusterId", value: id } } as const);

/** A small change of each category. */
export const CHANGES: Readonly<Record<string, MessageInitShape<typeof config.StateDeltaSchema>>> = {
  kernel: { kernel: [{ key: "vm.swappiness", declaredValue: "1" }] },
  packages: { packages: [{ name: "vim", version: "9" }] },
  files: { files: [{ path: "/etc/motd", contentHash: "0".repeat(64) }] },
  gpu: { gpu: [{ gpuIndex: 0, detail: "persistence" }] },
};

/** A commit of such a change. */
export const commitOf = (category: keyof typeof CHANGES, id = "ml") => ({
  entry: { entryType: 1, scope: vc(id), stateDelta: CHANGES[category] ?? {} },
});
