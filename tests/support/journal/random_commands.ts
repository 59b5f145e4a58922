import fc from "fast-check";
import { type Identity, PolicySettingsSchema, type Scope } from "../../../common/model/mod.ts";
import type { CommandInput } from "../../../journal/state/mod.ts";
import { append, commit, register } from "./commands.ts";
import { AGENT, ANN, BOB } from "./identities.ts";
import { randomBursts, randomOperations } from "./random_operations.ts";
import type { SendOptions } from "./test_state.ts";

/** One step of a random history: time passes, someone sends a command. */
export interface RandomStep {
  readonly afterMs: number;
  readonly command: CommandInput;
  readonly options: SendOptions;
}

const nodeId = fc.constantFrom("n1", "n2", "n3");
const vclusterId = fc.constantFrom("ml", "sim");
const mac = fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03");
const actor = fc.constantFrom(ANN, ANN, BOB, AGENT);
const sequence = fc.nat(30);
const scope: fc.Arbitrary<Scope> = fc.oneof(
  nodeId.map((id) => ({ Node: id })),
  vclusterId.map((id) => ({ VCluster: id })),
  fc.constant("Global" as const),
);
/** Sysctl keys of the random histories. */
const KEYS = ["vm.swappiness", "kernel.pid_max", "net.core.somaxconn"];

const values = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.string({ maxLength: 4 }),
  { maxKeys: 3 },
);

const entries: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.tuple(scope, values, fc.constantFrom(0, 900, 3600)).map(([where, set, ttl_seconds]) =>
    commit(where, set, { ttl_seconds })
  ),
  fc.tuple(scope, values).map(([where, set]) =>
    append({
      scope: where,
      state_delta: { kernel: Object.keys(set).map((key) => ({ action: "Remove", key })) },
    })
  ),
  fc.tuple(scope, sequence).map(([where, parent]) =>
    append({ entry_type: "Rollback", scope: where, parent })
  ),
  fc.tuple(scope, fc.constantFrom("EmergencyStart" as const, "EmergencyEnd" as const), fc.boolean())
    .map(([where, entry_type, force]) =>
      append({ entry_type, scope: where, emergency_reason: "fire" }, { force })
    ),
  fc.tuple(scope, fc.constantFrom("DriftDetected" as const, "AutoConverge" as const), values).map(
    ([where, entry_type, set]) =>
      append({
        entry_type,
        scope: where,
        state_delta: { kernel: Object.keys(set).map((key) => ({ action: "Modify", key })) },
      }),
  ),
);

/** Withdraws what a node declares of some keys, whichever entry it comes from. */
const promotions: fc.Arbitrary<CommandInput> = fc.tuple(
  vclusterId,
  fc.subarray(["n1", "n2", "n3"]),
  fc.subarray(KEYS, { minLength: 1 }),
).map(([vcluster, withdrawn, keys]) => ({
  type: "Promote",
  entry: {
    entry_type: "Commit",
    scope: { VCluster: vcluster },
    author: ANN,
    state_delta: { kernel: keys.map((key) => ({ action: "Modify", key, value: "promoted" })) },
  },
  withdraw: withdrawn.map((node_id) => ({
    node_id,
    message: "promoted",
    deltas: keys.flatMap((key) =>
      Array.from({ length: 60 }, (_, at) => ({ category: "kernel" as const, key, sequence: at }))
    ),
  })),
}));

const nodes: fc.Arbitrary<CommandInput> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(nodeId, mac, fc.option(vclusterId, { nil: undefined })).map(
      (parts): CommandInput => register(...parts),
    ),
  },
  nodeId.map((node_id): CommandInput => ({
    type: "ActivateNode",
    node_id,
    cert_serial: `serial-${node_id}`,
  })),
  nodeId.map((node_id): CommandInput => ({ type: "DeactivateNode", node_id })),
  nodeId.map((node_id): CommandInput => ({ type: "RevokeNode", node_id })),
  fc.tuple(nodeId, vclusterId).map(([node_id, vcluster_id]): CommandInput => ({
    type: "AssignNodeToVCluster",
    node_id,
    vcluster_id,
  })),
  nodeId.map((node_id): CommandInput => ({ type: "UnassignNode", node_id })),
  fc.tuple(nodeId, fc.constantFrom("Committed" as const, "Drifted" as const)).map((
    [node_id, state],
  ): CommandInput => ({ type: "UpdateNodeState", node_id, report: { state } })),
  fc.tuple(nodeId, fc.nat(3)).map(([node_id, cpus]): CommandInput => ({
    type: "ReportCapability",
    node_id,
    report: { cpus },
  })),
);

const others: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.tuple(vclusterId, fc.constantFrom("observe" as const, "enforce" as const)).map((
    [vcluster_id, enforcement_mode],
  ): CommandInput => ({
    type: "SetPolicy",
    vcluster_id,
    settings: PolicySettingsSchema.parse({ enforcement_mode }),
  })),
  fc.tuple(vclusterId, fc.array(fc.constantFrom("*.tmp", "/var/**"), { maxLength: 2 })).map((
    [vcluster_id, patterns],
  ): CommandInput => ({
    type: "SetBlacklist",
    vcluster_id,
    add: patterns.slice(0, 1),
    remove: patterns.slice(1),
  })),
  fc.array(sequence, { minLength: 1, maxLength: 5 }).map((sequences): CommandInput => ({
    type: "ExpireTtl",
    sequences,
  })),
  scope.map((where): CommandInput => ({
    type: "RecordOperation",
    operation: {
      actor: ANN,
      operation_type: "Exec",
      scope: where,
      outcome: "Success",
      detail: "uptime",
      source: "test",
      metadata: {},
    },
  })),
);

const single: fc.Arbitrary<CommandInput> = fc.oneof(
  { weight: 3, arbitrary: entries },
  promotions,
  { weight: 2, arbitrary: nodes },
  others,
  { weight: 2, arbitrary: randomOperations },
);

/** Random histories over a few nodes and vClusters, so that commands meet. */
export const randomSteps: fc.Arbitrary<readonly RandomStep[]> = fc.array(
  fc.record({
    afterMs: fc.constantFrom(0, 1, 1000, 900_000, 14_400_000, 100 * 86_400_000),
    commands: fc.oneof(
      { weight: 20, arbitrary: single.map((command) => [command]) },
      randomBursts,
    ),
    options: fc.record({
      actor,
      requestId: fc.option(fc.constantFrom("r1", "r2", "r3", "r4"), { nil: undefined }),
    }).map(({ actor, requestId }) => requestId === undefined ? { actor } : { actor, requestId }),
  }),
  { minLength: 1, maxLength: 40, size: "max" },
).map((steps) => steps.flatMap(stepsOf));

/** All but the first of a burst come at once and without a request id; a second person decides. */
function stepsOf({ afterMs, commands, options }: {
  readonly afterMs: number;
  readonly commands: readonly CommandInput[];
  readonly options: SendOptions;
}): RandomStep[] {
  return commands.map((command, at) =>
    at === 0
      ? { afterMs, command, options }
      : { afterMs: 0, command, options: { actor: laterActor(command, options) } }
  );
}

function laterActor({ type }: CommandInput, { actor = ANN }: SendOptions): Identity {
  return type === "DecideApproval" && actor === ANN ? BOB : actor;
}
