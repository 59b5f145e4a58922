import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Entry } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** What the process counts, for the scrape of `/metrics` (journal.md 14.2). */
export interface Metrics {
  /** Prometheus text format 0.0.4. */
  scrape(): Promise<string>;
  /** Counts a boot stream in; undefined when `limit` are open. The result counts it out. */
  bootStreamOpened(limit: number): (() => void) | undefined;
  /** Counts a subscription in; the result counts it out. */
  subscriptionOpened(): () => void;
  close(): void;
}

const BOOT_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];

/** Where a metric's numbers come from when it is scraped. */
type Collect = (set: (labels: Record<string, string>, value: number) => void) => void;

/** Metrics over `replica`; labels are bounded: no node ids, no principals (TEL-2). */
export function createMetrics(replica: Replica, version: string): Metrics {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[], collect: Collect) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        collect((labels, value) => this.set(labels, value));
      },
    });
  registerReplicaGauges(gauge, replica, version);
  const events = new Counter({
    name: "pact_journal_events_total",
    help: "Entries appended since this process started, by type and vCluster.",
    labelNames: ["type", "vcluster"],
    registers: [registry],
  });
  const stop = replica.onApplied(({ entries }) => {
    for (const entry of entries) {
      events.inc({ type: snakeCase(entry.entry_type), vcluster: vclusterOf(entry) });
    }
  });
  const streams = registerStreamMetrics(registry);
  return { scrape: () => registry.metrics(), ...streams, close: stop };
}

function registerReplicaGauges(
  gauge: (name: string, help: string, labelNames: string[], collect: Collect) => unknown,
  replica: Replica,
  version: string,
): void {
  gauge("pact_build_info", "Version of this journal.", ["version"], (set) => set({ version }, 1));
  gauge(
    "pact_raft_log_entries",
    "Last applied log index.",
    [],
    (set) => set({}, Number(replica.status().appliedIndex)),
  );
  gauge(
    "pact_journal_entries_total",
    "Entries ever appended.",
    [],
    (set) => set({}, replica.status().nextSequence),
  );
  gauge("pact_nodes", "Nodes by enrollment state and vCluster.", ["state", "vcluster"], (set) => {
    const counts = count(
      replica.state.list("enrollments"),
      (record) => [record.state.toLowerCase(), record.vcluster_id ?? "none"],
    );
    for (const [[state = "", vcluster = ""], value] of counts) set({ state, vcluster }, value);
  });
  gauge("pact_node_config_state", "Nodes by configuration state and vCluster.", [
    "state",
    "vcluster",
  ], (set) => {
    const counts = count(replica.state.list("node_states"), (record, nodeId) => [
      snakeCase(record.state),
      replica.state.get("node_assignments", nodeId)?.vcluster_id ?? "none",
    ]);
    for (const [[state = "", vcluster = ""], value] of counts) set({ state, vcluster }, value);
  });
}

function registerStreamMetrics(
  registry: Registry,
): Pick<Metrics, "bootStreamOpened" | "subscriptionOpened"> {
  const registers = [registry];
  const boots = new Gauge({
    name: "pact_journal_boot_streams_active",
    help: "Open boot streams.",
    registers,
  });
  const rejected = new Counter({
    name: "pact_journal_boot_streams_rejected_total",
    help: "Boot streams refused because too many were open.",
    registers,
  });
  const durations = new Histogram({
    name: "pact_journal_boot_stream_duration_seconds",
    help: "How long boot streams took.",
    buckets: BOOT_BUCKETS_SECONDS,
    registers,
  });
  const subscriptions = new Gauge({
    name: "pact_journal_subscriptions_active",
    help: "Open subscriptions.",
    registers,
  });
  let openBoots = 0;
  return {
    bootStreamOpened: (limit) => {
      if (openBoots >= limit) {
        rejected.inc();
        return undefined;
      }
      boots.set(++openBoots);
      const finish = durations.startTimer();
      return () => {
        boots.set(--openBoots);
        finish();
      };
    },
    subscriptionOpened: () => {
      subscriptions.inc();
      return () => subscriptions.dec();
    },
  };
}

/** Documents counted by their labels. */
function count<Doc>(
  documents: Iterable<[string, Doc]>,
  labelsOf: (document: Doc, key: string) => readonly string[],
): [readonly string[], number][] {
  const counts = new Map<string, [readonly string[], number]>();
  for (const [key, document] of documents) {
    const labels = labelsOf(document, key);
    const id = labels.join("\n");
    counts.set(id, [labels, (counts.get(id)?.[1] ?? 0) + 1]);
  }
  return [...counts.values()];
}

function vclusterOf({ scope }: Entry): string {
  return scope !== "Global" && "VCluster" in scope ? scope.VCluster : "none";
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?!^)([A-Z])/g, "_$1").toLowerCase();
}
