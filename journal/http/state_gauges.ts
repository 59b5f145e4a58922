import { Gauge, type Registry } from "prom-client";
import type { AddGauge, Collect, GaugeSources } from "./gauges.ts";
import { quorumGauges } from "./quorum_gauges.ts";

/** A node without a vCluster, as labels name it. */
const NO_VCLUSTER = "none";
const DAY_MS = 86_400_000;
const APPROVAL_EXPIRING_MS = 300_000;

/** Registers every gauge that is read from the state at the scrape (journal.md 14.2). */
export function registerStateGauges(registry: Registry, sources: GaugeSources): void {
  const add: AddGauge = (name, help, labelNames, collect) =>
    void new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        await collect((labels, value) => this.set(labels, value));
      },
    });
  quorumGauges(add, sources);
  nodeGauges(add, sources);
  vclusterGauges(add, sources);
}

function nodeGauges(add: AddGauge, { replica, clock }: GaugeSources): void {
  const { state } = replica;
  const vclusterOf = (nodeId: string) =>
    state.get("node_assignments", nodeId)?.vcluster_id ?? NO_VCLUSTER;
  add("pact_nodes", "Nodes by enrollment state.", ["state", "vcluster"], (set) => {
    const counts = new Tally();
    for (const [, record] of state.list("enrollments")) {
      counts.add([record.state.toLowerCase(), record.vcluster_id ?? NO_VCLUSTER]);
    }
    counts.each(([of = "", vcluster = ""], count) => set({ state: of, vcluster }, count));
  });
  add("pact_node_config_state", "Nodes by configuration state.", ["state", "vcluster"], (set) => {
    const counts = new Tally();
    for (const [nodeId, record] of state.list("node_states")) {
      counts.add([snakeCase(record.state), vclusterOf(nodeId)]);
    }
    counts.each(([of = "", vcluster = ""], count) => set({ state: of, vcluster }, count));
  });
  const drift = (combine: (a: number, b: number) => number): Collect => (set) => {
    const byVCluster = new Map<string, number>();
    for (const [nodeId, { drift }] of state.list("node_states")) {
      const vcluster = vclusterOf(nodeId);
      byVCluster.set(vcluster, combine(byVCluster.get(vcluster) ?? 0, drift?.["total"] ?? 0));
    }
    for (const [vcluster, value] of byVCluster) set({ vcluster }, value);
  };
  add(
    "pact_node_drift_magnitude",
    "Largest drift last reported.",
    ["vcluster"],
    drift(Math.max),
  );
  add(
    "pact_node_drift_magnitude_sum",
    "Sum of the drift last reported.",
    ["vcluster"],
    drift((a, b) => a + b),
  );
  add("pact_services", "Services as agents report them.", ["vcluster", "status"], (set) => {
    const counts = new Tally();
    for (const [nodeId, { supervisor }] of state.list("node_states")) {
      const declared = numberIn(supervisor, "servicesDeclared");
      const running = numberIn(supervisor, "servicesRunning");
      const failed = numberIn(supervisor, "servicesFailed");
      counts.add([vclusterOf(nodeId), "running"], running);
      counts.add([vclusterOf(nodeId), "failed"], failed);
      counts.add([vclusterOf(nodeId), "stopped"], Math.max(0, declared - running - failed));
    }
    counts.each(([vcluster = "", status = ""], count) => set({ vcluster, status }, count));
  });
  add("pact_shell_sessions_active", "Open shell and exec sessions.", ["vcluster"], (set) => {
    const counts = new Tally();
    for (const [nodeId, record] of state.list("enrollments")) {
      counts.add([vclusterOf(nodeId)], record.active_sessions);
    }
    counts.each(([vcluster = ""], count) => set({ vcluster }, count));
  });
  add(
    "pact_certificates_expiring",
    "Certificates with less than 24 h left.",
    [],
    (set) => {
      let expiring = 0;
      for (const [, { state: of, cert_expires_at }] of state.list("enrollments")) {
        if (of !== "Active" || cert_expires_at === undefined) continue;
        if (Date.parse(cert_expires_at) - clock.nowMs() < DAY_MS) expiring++;
      }
      set({}, expiring);
    },
  );
}

function vclusterGauges(add: AddGauge, { replica: { state }, clock }: GaugeSources): void {
  const emergencies = (wanted: (isStale: boolean) => boolean): Collect => (set) => {
    const counts = new Tally();
    for (const [, { scope, ended_at, expires_at }] of state.list("emergencies")) {
      if (ended_at !== undefined || scope === "Global") continue;
      if (!wanted(Date.parse(expires_at) <= clock.nowMs())) continue;
      const vcluster = "VCluster" in scope
        ? scope.VCluster
        : state.get("node_assignments", scope.Node)?.vcluster_id ?? NO_VCLUSTER;
      counts.add([vcluster]);
    }
    counts.each(([vcluster = ""], count) => set({ vcluster }, count));
  };
  add(
    "pact_emergency_sessions_active",
    "Open emergency sessions.",
    ["vcluster"],
    emergencies(() => true),
  );
  add(
    "pact_emergency_sessions_stale",
    "Open emergency sessions past their end.",
    ["vcluster"],
    emergencies((isStale) => isStale),
  );
  add("pact_conflicts_open", "Open conflicts after partitions.", ["vcluster"], (set) => {
    const counts = new Tally();
    for (const [, { conflict_id }] of state.list("open_conflicts")) {
      const nodeId = state.get("conflicts", conflict_id)?.node_id ?? "";
      counts.add([state.get("node_assignments", nodeId)?.vcluster_id ?? NO_VCLUSTER]);
    }
    counts.each(([vcluster = ""], count) => set({ vcluster }, count));
  });
  const approvals = (withinMs: number): Collect => (set) => {
    const counts = new Tally();
    for (const [, { status, vcluster, expires_at }] of state.list("approvals")) {
      if (status !== "Pending" || Date.parse(expires_at) - clock.nowMs() > withinMs) continue;
      counts.add([vcluster]);
    }
    counts.each(([vcluster = ""], count) => set({ vcluster }, count));
  };
  add("pact_approvals_pending", "Pending approvals.", ["vcluster"], approvals(Infinity));
  add(
    "pact_approvals_expiring",
    "Pending approvals with less than 300 s left.",
    ["vcluster"],
    approvals(APPROVAL_EXPIRING_MS),
  );
}

/** Counts by their labels. */
class Tally {
  readonly #counts = new Map<string, { labels: readonly string[]; count: number }>();

  add(labels: readonly string[], count = 1): void {
    const id = labels.join("\n");
    this.#counts.set(id, { labels, count: (this.#counts.get(id)?.count ?? 0) + count });
  }

  each(tell: (labels: readonly string[], count: number) => void): void {
    for (const { labels, count } of this.#counts.values()) tell(labels, count);
  }
}

function numberIn(record: Readonly<Record<string, unknown>> | undefined, key: string): number {
  const value = record?.[key];
  return typeof value === "number" ? value : 0;
}

/** `ObserveOnly` as `observe_only`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/(?!^)([A-Z])/g, "_$1").toLowerCase();
}
