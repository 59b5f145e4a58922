import type { Scope, StateDelta } from "../../../common/model/mod.ts";
import {
  type CommandInput,
  CommandSchema,
  heldText,
  type NodeAction,
} from "../../../journal/state/mod.ts";
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

/** Files a command for approval in vCluster `ml`, as the journal's API does. */
export function hold(
  approvalId: string,
  command: CommandInput,
  {
    action = "commit",
    scope = { VCluster: "ml" },
    vcluster = "ml",
    role = "pact-ops-ml",
    subject,
    heads,
  }: {
    readonly role?: string;
    readonly action?: string;
    readonly scope?: Scope;
    readonly vcluster?: string;
    readonly subject?: string;
    readonly heads?: Record<string, number>;
  } = {},
): Extract<CommandInput, { type: "CreateApproval" }> {
  return {
    type: "CreateApproval",
    approval: {
      approval_id: approvalId,
      original_request: heldText({
        kind: "command",
        command: CommandSchema.parse(command),
        access: [{ action, scope, role }],
        audit: { operation_type: "Commit", scope, detail: "", source: "test", metadata: {} },
        ...(heads === undefined ? {} : { heads }),
      }),
      summary: action,
      action,
      scope,
      vcluster,
      ...(subject === undefined ? {} : { requester_subject: subject }),
    },
  };
}

/** Files an action on node `n1` of vCluster `ml` for approval. */
export function holdAction(
  approvalId: string,
  action: Omit<NodeAction, "kind">,
): Extract<CommandInput, { type: "CreateApproval" }> {
  return {
    type: "CreateApproval",
    approval: {
      approval_id: approvalId,
      original_request: heldText({ kind: "node", ...action }),
      summary: `${action.action} ${action.command}`.trim(),
      action: action.action,
      scope: { Node: action.node_id },
      vcluster: "ml",
    },
  };
}
