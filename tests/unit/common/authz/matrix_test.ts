import assert from "node:assert/strict";
import {
  type Action,
  ACTION_GROUPS,
  actionGroup,
  decide,
  type DecisionPolicy,
  type DecisionScope,
  isAction,
  type Principal,
} from "../../../../common/authz/mod.ts";

/** Holders of each column of the matrix, all of them of vCluster `ml` and, as an agent, of node `n1`. */
const COLUMNS = [
  "pact-platform-admin",
  "pact-ops-ml",
  "pact-regulated-ml",
  "pact-viewer-ml",
  "pact-service-agent",
  "pact-service-ai",
] as const;

type Column = (typeof COLUMNS)[number];

/**
 * Policy.md section 5, on node `n1` of `ml` with a plain policy. `A` allow, `2` a second person, `-`
 * deny; the columns as above. Where a cell reads differently with a policy that is regulated and asks
 * for two people, the second row says so.
 */
const TABLE: Readonly<Record<Action, readonly [plain: string, strict?: string]>> = {
  status: ["A A A A A A"],
  log: ["A A A A A A"],
  diff: ["A A A A A A"],
  cap: ["A A A A A A"],
  watch: ["A A A A A A"],
  service_status: ["A A A A A A"],
  query_fleet: ["A A A A - A"],
  diag: ["A A A - - -"],
  audit: ["A A A - - -"],
  commit: ["A A 2 - A -", "A 2 2 - A -"],
  apply: ["A A 2 - A -", "A 2 2 - A -"],
  promote: ["A A 2 - A -", "A 2 2 - A -"],
  rollback: ["A A 2 - A -", "A 2 2 - A -"],
  extend: ["A A A - - -"],
  blacklist: ["A A 2 - - -", "A 2 2 - - -"],
  exec: ["A A A - - -", "A 2 2 - - -"],
  shell: ["A A A - - -", "A 2 2 - - -"],
  service_start: ["A A 2 - - -", "A 2 2 - - -"],
  service_stop: ["A A 2 - - -", "A 2 2 - - -"],
  service_restart: ["A A 2 - - -", "A 2 2 - - -"],
  emergency_start: ["A A - - - -", "A 2 - - - -"],
  emergency_end: ["A A - - - -"],
  approve: ["A A A - - -"],
  policy_update: ["A - - - - -"],
  lock: ["A - - - - -"],
  node_register: ["A - - - - -"],
  node_decommission: ["A - - - - -"],
  node_import: ["A - - - - -"],
  member_change: ["A - - - - -"],
  node_assign: ["A A 2 - - -"],
  node_unassign: ["A A 2 - - -"],
  node_move: ["A A 2 - - -"],
  drain: ["A A A - - -"],
  undrain: ["A A A - - -"],
  cordon: ["A A A - - -"],
  uncordon: ["A A A - - -"],
  reboot: ["A A 2 - - -"],
  reimage: ["A A 2 - - -"],
  jobs_cancel: ["A A A - - -"],
  dag_cancel: ["A A A - - -"],
  backup_create: ["A - - - - -"],
  backup_restore: ["A - - - - -"],
  backup_verify: ["A - - - - -"],
  jobs: ["A A A A - A"],
  queue: ["A A A A - A"],
  dag: ["A A A A - A"],
  budget: ["A A A A - A"],
  accounting: ["A A A A - A"],
  nodes: ["A A A A - A"],
  services: ["A A A A - A"],
  health: ["A A A A - A"],
  cluster: ["A A A A - A"],
};

const PLAIN: DecisionPolicy = {
  policyId: "default",
  emergencyAllowed: true,
  regulated: false,
  twoPersonApproval: false,
  aiExecAllowed: false,
  roleBindings: [],
};
const STRICT: DecisionPolicy = { ...PLAIN, regulated: true, twoPersonApproval: true };

const OWN_NODE: DecisionScope = { global: false, vclusterId: "ml", nodeId: "n1" };
const LETTER = { allow: "A", approval: "2", deny: "-" } as const;

const ACTIONS = Object.values(ACTION_GROUPS).flat().filter(isAction);

function holder(role: Column, principalType: Principal["principalType"]): Principal {
  return {
    principal: "someone",
    principalType,
    roles: [role],
    ...(role === "pact-service-agent" ? { nodeId: "n1", vclusterId: "ml" } : {}),
  };
}

/** How a question differs from the usual. */
interface Variant {
  readonly policy?: DecisionPolicy;
  readonly type?: Principal["principalType"];
}

function letter(
  role: Column,
  action: Action,
  scope: DecisionScope,
  { policy = PLAIN, type = isMachine(role) ? "Service" : "Human" }: Variant = {},
): string {
  const principal = holder(role, type);
  return LETTER[decide({ principal, action, scope, policy, changesState: true }).outcome];
}

/** The cell of the table, read by hand for the other variants of a test. */
function cell(action: Action, role: Column): string {
  return TABLE[action][0].split(" ")[COLUMNS.indexOf(role)] ?? "";
}

const isMachine = (role: Column) => role.startsWith("pact-service-");
const isScoped = (role: Column) => role.endsWith("-ml");
const isRead = (action: Action) => /^(delegated_)?read$/.test(actionGroup(action));

Deno.test("ACC-P1: the table has a row for every action", () => {
  assert.deepEqual(Object.keys(TABLE).sort(), [...ACTIONS].sort());
});

Deno.test("ACC-P1: in scope, every cell answers as policy.md section 5 says", () => {
  for (const action of ACTIONS) {
    const row = COLUMNS.map((role) => letter(role, action, OWN_NODE)).join(" ");
    assert.equal(row, TABLE[action][0], action);
  }
});

Deno.test("ACC-P1, APR-1, APR-3: every cell where the policy is regulated and asks for two people", () => {
  for (const action of ACTIONS) {
    const row = COLUMNS.map((role) => letter(role, action, OWN_NODE, { policy: STRICT })).join(" ");
    assert.equal(row, TABLE[action][1] ?? TABLE[action][0], action);
  }
});

Deno.test("ACC-P1, ROL-3: a machine that holds a person's role neither has emergencies nor approves nor restores", () => {
  const peopleOnly = new Set<Action>([
    "emergency_start",
    "emergency_end",
    "approve",
    "backup_restore",
  ]);
  for (const type of ["Service", "Agent"] as const) {
    for (const action of ACTIONS) {
      for (const role of COLUMNS.filter((each) => !isMachine(each))) {
        const expected = peopleOnly.has(action) ? "-" : cell(action, role);
        assert.equal(letter(role, action, OWN_NODE, { type }), expected, `${role} ${action}`);
      }
    }
  }
});

Deno.test("ACC-P1, ROL-3: a machine role stays one, whatever type its token claims", () => {
  for (const action of ACTIONS) {
    for (const role of COLUMNS.filter(isMachine)) {
      assert.equal(letter(role, action, OWN_NODE, { type: "Human" }), cell(action, role), action);
    }
  }
});

Deno.test("ACC-P1, P3, ACC-P5: outside its vCluster a scoped role may do nothing, an agent nothing beyond its node", () => {
  const elsewhere: readonly DecisionScope[] = [
    { global: false, vclusterId: "batch", nodeId: "n9" },
    { global: false, vclusterId: "batch" },
    // A node that is assigned to nothing, or that nobody knows (ROL-4).
    { global: false, nodeId: "n9" },
  ];
  for (const scope of elsewhere) {
    for (const action of ACTIONS) {
      for (const role of COLUMNS) {
        const isIn = !isScoped(role) && role !== "pact-service-agent";
        const where = `${role} ${action} ${JSON.stringify(scope)}`;
        assert.equal(letter(role, action, scope), isIn ? cell(action, role) : "-", where);
      }
    }
  }
});

Deno.test("ACC-P1: another node of its vCluster is not an agent's own", () => {
  const scope = { global: false, vclusterId: "ml", nodeId: "n2" };
  for (const action of ACTIONS) {
    assert.equal(letter("pact-service-agent", action, scope), "-", action);
  }
});

Deno.test("ACC-P1, ROL-5: Global is changed by platform admins only, and read by every role that reads", () => {
  const scope = { global: true };
  for (const action of ACTIONS) {
    for (const role of COLUMNS) {
      const isAgentRead = action === "status" || action === "log";
      const isOpen = role === "pact-platform-admin" ||
        (isRead(action) && (role !== "pact-service-agent" || isAgentRead));
      assert.equal(
        letter(role, action, scope),
        isOpen ? cell(action, role) : "-",
        `${role} ${action}`,
      );
    }
  }
});

Deno.test("ACC-P1: ai_exec_allowed opens exec and diag to AI assistants, and nothing else", () => {
  const policy = { ...PLAIN, aiExecAllowed: true };
  for (const action of ACTIONS) {
    const expected = action === "exec" || action === "diag" ? "A" : cell(action, "pact-service-ai");
    assert.equal(letter("pact-service-ai", action, OWN_NODE, { policy }), expected, action);
  }
});

Deno.test("POL-22: with emergencies off nobody but a platform admin declares one", () => {
  const policy = { ...PLAIN, emergencyAllowed: false };
  const row = COLUMNS.map((role) => letter(role, "emergency_start", OWN_NODE, { policy }));
  assert.equal(row.join(" "), "A - - - - -");
});

Deno.test("ACC-P6, POL-24: a wildcard binding gives a role of the site's own everything but what must be named", () => {
  const named = /^(emergency_|node_)|^(approve|policy_update|lock|backup_restore|member_change)$/;
  const roleBindings = [{ role: "site-oncall", principals: ["someone"], allowedActions: ["*"] }];
  for (const action of ACTIONS) {
    const { outcome } = decide({
      principal: { principal: "someone", principalType: "Human", roles: ["site-oncall"] },
      action,
      scope: OWN_NODE,
      policy: { ...PLAIN, roleBindings },
      changesState: true,
    });
    assert.equal(LETTER[outcome], named.test(action) ? "-" : "A", action);
  }
});
