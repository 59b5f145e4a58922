/**
 * What the process counts, for the scrape of `/metrics` (journal.md 14.2). Labels are bounded: no
 * node ids, no principals (TEL-2). It owns a registry and ends with `close`.
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Entry, EntryType } from "../../common/model/mod.ts";
import type { EnrollmentCounts } from "../enrollment/mod.ts";
import type { EngineOutcome } from "../policy/mod.ts";
import type { GaugeSources } from "./gauges.ts";
import { registerStateGauges, snakeCase } from "./state_gauges.ts";

/** Counters and gauges of one journal process. */
export interface Metrics {
  /** Adds what is read from the state, and counts what is applied from now on. */
  observe(sources: GaugeSources): void;
  /** Prometheus text format 0.0.4. */
  scrape(): Promise<string>;
  /** Counts a boot stream in; undefined when `limit` are open. The result counts it out, once. */
  bootStreamOpened(limit: number): (() => void) | undefined;
  /** Counts a subscription in; the result counts it out. */
  subscriptionOpened(): () => void;
  subscriberLagged(): void;
  /** This member stood for election. */
  electionStarted(): void;
  /** Somebody else leads than before. */
  leaderChanged(): void;
  readonly enrollment: EnrollmentCounts;
  /** Counts a refusal of policy, or of a credential under `authenticate` (AUT-12). */
  denied(action: string): void;
  /** Counts how an evaluation of the site's rules ended. */
  policyEngineAsked(outcome: EngineOutcome): void;
  /** Notes how long a write took from proposal to answer. */
  wrote(durationMs: number): void;
  close(): void;
}

const BOOT_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];
const WRITE_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Metrics of a build of `version`. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  new Gauge({
    name: "pact_build_info",
    help: "Version of this journal.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  const attempts = counter("pact_enrollment_attempts_total", "Attempts to enrol.", ["outcome"]);
  const signed = counter("pact_certificates_signed_total", "Certificates signed.", ["kind"]);
  const denials = counter("pact_policy_denials_total", "Refused calls.", ["action"]);
  const evaluations = counter(
    "pact_opa_requests_total",
    "Evaluations of the site's rules.",
    ["outcome"],
  );
  const lagged = counter(
    "pact_journal_subscribers_lagged_total",
    "Subscriptions closed because they fell behind.",
  );
  const elections = counter("pact_raft_elections_total", "Elections this member started.");
  const leaderChanges = counter("pact_raft_leader_changes_total", "Changes of leader it saw.");
  const writes = new Histogram({
    name: "pact_raft_write_duration_seconds",
    help: "Time of a write from proposal to application.",
    buckets: WRITE_BUCKETS_SECONDS,
    registers,
  });
  const stops: (() => void)[] = [];
  return {
    observe: (sources) => {
      registerStateGauges(registry, sources);
      stops.push(countEntries(registry, sources));
    },
    scrape: () => registry.metrics(),
    ...streamMetrics(registry),
    subscriberLagged: () => lagged.inc(),
    electionStarted: () => elections.inc(),
    leaderChanged: () => leaderChanges.inc(),
    enrollment: {
      attempted: (outcome) => attempts.inc({ outcome }),
      signed: (kind) => signed.inc({ kind }),
    },
    denied: (action) => denials.inc({ action }),
    policyEngineAsked: (outcome) => evaluations.inc({ outcome }),
    wrote: (durationMs) => writes.observe(durationMs / 1000),
    close: () => stops.forEach((stop) => stop()),
  };
}

function countEntries(registry: Registry, { replica }: GaugeSources): () => void {
  const registers = [registry];
  new Counter({
    name: "pact_journal_entries_total",
    help: "Entries ever appended.",
    registers,
    collect() {
      this.reset();
      this.inc(replica.status().nextSequence);
    },
  });
  new Counter({
    name: "pact_journal_overlay_build_failures_total",
    help: "Overlay builds that failed since this process started.",
    registers,
    collect() {
      this.reset();
      this.inc(replica.status().overlayBuildFailures);
    },
  });
  const events = new Map<string, Map<EntryType, number>>();
  new Counter({
    name: "pact_journal_events_total",
    help: "Entries appended since this process started, by type and vCluster.",
    labelNames: ["type", "vcluster"],
    registers,
    // Entries are many, scrapes are few: the labels are looked up when somebody asks.
    collect() {
      this.reset();
      for (const [vcluster, counts] of events) {
        for (const [type, count] of counts) this.inc({ type: snakeCase(type), vcluster }, count);
      }
    },
  });
  const restarts = new Counter({
    name: "pact_supervisor_restart_total",
    help: "Service restarts that agents reported since this process started.",
    labelNames: ["vcluster"],
    registers,
  });
  const vclusterOf = ({ scope }: Entry) => {
    if (scope === "Global") return "none";
    if ("VCluster" in scope) return scope.VCluster;
    return replica.state.get("node_assignments", scope.Node)?.vcluster_id ?? "none";
  };
  return replica.onApplied(({ entries }) => {
    for (const entry of entries) {
      const vcluster = vclusterOf(entry);
      let counts = events.get(vcluster);
      if (counts === undefined) events.set(vcluster, counts = new Map());
      counts.set(entry.entry_type, (counts.get(entry.entry_type) ?? 0) + 1);
      const isRestart = entry.entry_type === "ServiceLifecycle" &&
        /restart/i.test(entry.message ?? "");
      if (isRestart) restarts.inc({ vcluster });
    }
  });
}

function streamMetrics(
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
      return once(() => {
        boots.set(--openBoots);
        finish();
      });
    },
    subscriptionOpened: () => {
      subscriptions.inc();
      return once(() => subscriptions.dec());
    },
  };
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
