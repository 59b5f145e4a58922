import type { Scope, StateDelta } from "../../../common/model/mod.ts";
import type { CommandInput } from "../../../journal/state/mod.ts";
import { ANN } from "./identities.ts";

type Append = Extract<CommandInput, { type: "AppendEntry" }>;

/** An AppendEntry of any type; a global Commit by Ann unless told otherwise. */
export function append(
  entry: Partial<Append["entry"]>,
  options: Omit<Append, "type" | "entry"> = {},
): Append {
  return {
    type: "AppendEntry",
    entry: { entry_type: "Commit", scope: "Global", author: ANN, ...entry },
    ...options,
  };
}

/** A delta that sets sysctl keys. */
export function kernel(values: Readonly<Record<string, string>>): StateDelta {
  return {
    kernel: Object.entries(values).map(([key, value]) => ({ action: "Modify", key, value })),
  };
}

/** A Commit that sets sysctl keys in a scope. */
export function commit(
  scope: Scope,
  values: Readonly<Record<string, string>>,
  entry: Partial<Append["entry"]> = {},
): Append {
  return append({ scope, state_delta: kernel(values), ...entry });
}

/** A Rollback of a scope to an earlier entry. */
export function rollback(scope: Scope, parent: number): Append {
  return append({ entry_type: "Rollback", scope, parent });
}

/** Registers a node by the MAC that goes with its number. */
export function register(nodeId: string, mac: string, vclusterId?: string): CommandInput {
  return {
    type: "RegisterNode",
    node_id: nodeId,
    domain_id: "default",
    hardware_identity: { mac_address: mac },
    hardware_keys: [`mac:${mac}`],
    ...(vclusterId === undefined ? {} : { vcluster_id: vclusterId }),
  };
}
