/**
 * Shell: owns what a node is held against, the commit window over it, and one timer. Everything runs
 * one after the other in a queue, so that no scan sees half of an apply (APL-8). Ends by `close`.
 *
 * @module
 */
import type { TimerHandle } from "../../common/clock/mod.ts";
import { dueRetries, type EffectiveState, nextRetryMs } from "../apply/mod.ts";
import { type DriftItem, itemName, redactItem } from "../drift/mod.ts";
import { Applier } from "./applier.ts";
import { decideAutoConverge, noteReversions, type ReversionHistory } from "./auto_converge.ts";
import {
  type ApplyResult,
  type Convergence,
  ConvergenceError,
  type ConvergenceOptions,
  type ConvergencePolicy,
  type ConvergenceStatus,
  type NamedReason,
  type PreparedCommit,
  type RollbackResult,
} from "./convergence_types.ts";
import { PreparedCommits } from "./prepared_commits.ts";
import { DriftWatch } from "./drift_watch.ts";
import { decideExtension } from "./extend.ts";
import { Ledger } from "./ledger.ts";
import { type NodeState, nodeState } from "./node_state.ts";
import { Originals } from "./originals.ts";
import {
  DEFAULT_REPORT_LIMITS,
  forgetChange,
  noteChange,
  noteReport,
  noteSettled,
  reportDueMs,
  type ReportState,
  settleDueMs,
} from "./reporting.ts";
import { restore } from "./restore.ts";
import { stillDiffering } from "./still_differing.ts";
import { encodeSnapshot, type Snapshot } from "./snapshot.ts";
import { TaskQueue } from "./task_queue.ts";
import { nextTickMs, remainingSeconds, stepWindow } from "./window_machine.ts";
import { windowNotice } from "./window_notice.ts";
import type { WindowEvent, WindowState } from "./window_state.ts";

const SNAPSHOT = "convergence.json";
/** Timers of the runtime stand still in suspend: the time of boot is looked at this often (WIN-4). */
const LONGEST_TIMER_MS = 30_000;

/** Starts keeping a node at its declaration. Nothing is touched before the first setDeclared. */
export function createConvergence(options: ConvergenceOptions): Convergence {
  return new Controller(options);
}

class Controller implements Convergence {
  readonly #options: ConvergenceOptions;
  readonly #ledger: Ledger;
  readonly #originals: Originals;
  readonly #applier: Applier;
  readonly #watch: DriftWatch;
  readonly #queue: TaskQueue;
  readonly #prepared: PreparedCommits;
  #policy: ConvergencePolicy;
  #window: WindowState;
  #emergency: boolean;
  #reversions: ReversionHistory;
  #limitations: readonly NamedReason[] = [];
  #reportState: ReportState = {};
  #firstEventMs: number | undefined;
  #nextDeclared: EffectiveState | undefined;
  #ready = false;
  #applying = false;
  #rollbackDue: { readonly force: boolean } | undefined;
  #reportedState: NodeState | undefined;
  #saved = "";
  #timer: TimerHandle | undefined;
  #scanQueued = false;
  #closed = false;

  constructor(options: ConvergenceOptions) {
    this.#options = options;
    this.#policy = options.policy;
    const { snapshot, originals, closedByReboot } = restore(options, SNAPSHOT);
    this.#window = snapshot.window;
    this.#emergency = snapshot.emergency;
    this.#reversions = snapshot.reversions;
    this.#ledger = new Ledger(snapshot.converged, snapshot.commits);
    this.#originals = originals;
    const lastId = Math.max(0, ...snapshot.commits.map(({ id }) => id));
    this.#applier = new Applier(options, this.#ledger, this.#originals, () => this.#nowMs());
    this.#prepared = new PreparedCommits((item) => this.#applier.capture(item), lastId);
    this.#watch = new DriftWatch(options, this.#applier, snapshot.items);
    this.#queue = new TaskQueue(() => this.#finishTask(), (error) => {
      options.log.error("convergence failed", { reason: String(error) });
    });
    if (closedByReboot) options.report({ kind: "windowClosed", reason: "rebooted" });
  }

  setDeclared(declared: EffectiveState): Promise<ApplyResult> {
    // Updates that arrive during an apply are merged: only the newest is applied (APL-7).
    this.#nextDeclared = declared;
    return this.#queue.run(async () => {
      const next = this.#nextDeclared;
      this.#nextDeclared = undefined;
      if (next === undefined) return { applied: [], failed: [], unavailable: [] };
      return await this.#applyDeclaration(next);
    });
  }

  scan(): Promise<readonly DriftItem[]> {
    return this.#queue.run(async () => {
      await this.#evaluate();
      return this.#watch.shownItems;
    });
  }

  noticeChange(name?: string): void {
    if (name !== undefined) this.#ledger.hurry(name);
    if (this.#scanQueued || this.#closed) return;
    this.#scanQueued = true;
    this.#queue.runInBackground(() => {
      this.#scanQueued = false;
      return this.#evaluate();
    });
  }

  prepareCommit(keys: readonly string[] = []): Promise<PreparedCommit> {
    return this.#queue.run(async () => {
      await this.#evaluate();
      return await this.#prepared.prepare(this.#watch.items, keys, this.#nowMs());
    });
  }

  confirmCommit(id: number, sequence?: bigint, requestId?: string): Promise<void> {
    return this.#queue.run(async () => {
      const { items, commit } = this.#prepared.take(id);
      const known = {
        ...(sequence !== undefined && { sequence }),
        ...(requestId && { requestId }),
      };
      this.#ledger.addCommit({ id, items, ...known });
      await this.#applier.acceptUndeclared(items);
      this.#options.report({ kind: "committed", items: commit.items });
      await this.#evaluate({ kind: "committed" });
    });
  }

  abortCommit(id: number): void {
    this.#prepared.drop(id);
    this.#schedule();
  }

  commitReplayed(requestId: string, sequence?: bigint): Promise<void> {
    return this.#queue.run(async () => {
      if (sequence !== undefined) return this.#ledger.acknowledge(requestId, sequence);
      this.#ledger.withdrawCommit(requestId);
      await this.#evaluate();
    });
  }

  rollback(options: { to?: EffectiveState; force?: boolean } = {}): Promise<RollbackResult> {
    return this.#queue.run(() => this.#rollBackByHand(options.to, options.force ?? false));
  }

  extend(minutes: number): Promise<number> {
    return this.#queue.run(() => {
      const decision = decideExtension(this.#window, minutes, this.#nowMs(), this.#policy.window);
      if (!decision.ok) throw new ConvergenceError(decision.code, decision.reason);
      this.#step({ kind: "extended", additionalMs: decision.additionalMs });
      return Promise.resolve(this.#remainingSeconds() ?? 0);
    });
  }

  setPolicy(policy: ConvergencePolicy): Promise<void> {
    return this.#queue.run(async () => {
      this.#policy = policy;
      this.#watch.setPolicy(policy);
      await this.#evaluate();
      this.#step({ kind: "rulesChanged", drift: this.#watch.remaining });
    });
  }

  startEmergency(): Promise<void> {
    return this.#queue.run(() => {
      this.#emergency = true;
      this.#rollbackDue = undefined;
      this.#step({ kind: "emergencyStarted" });
      return Promise.resolve();
    });
  }

  endEmergency(): Promise<void> {
    return this.#queue.run(async () => {
      this.#emergency = false;
      await this.#evaluate();
      this.#step({ kind: "emergencyEnded", drift: this.#watch.remaining });
    });
  }

  approvalPending(timeoutMs: number): Promise<void> {
    return this.#queue.run(() => {
      // Somebody was quicker than the burst was over: there has to be a window to stand still.
      if (this.#window.kind === "Idle") this.#sendDrift(true);
      return Promise.resolve(this.#step({ kind: "approvalPending", timeoutMs }));
    });
  }

  approvalDecided(): Promise<void> {
    return this.#queue.run(() => Promise.resolve(this.#step({ kind: "approvalDecided" })));
  }

  status(): ConvergenceStatus {
    const { effective } = this.#ledger;
    return {
      nodeState: this.#nodeState(),
      items: this.#watch.shownItems,
      magnitude: this.#watch.magnitude,
      window: this.#window,
      remainingSeconds: this.#remainingSeconds(),
      emergency: this.#emergency,
      failures: this.#ledger.failureReasons(),
      unavailable: [
        ...this.#ledger.unavailableReasons(),
        ...this.#limitations,
        ...this.#watch.blind,
      ],
      overlayVersion: effective.overlayVersion,
      sequence: effective.sequence,
      declaredCount: this.#ledger.declaredKeys().length,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    await this.#queue.idle();
  }

  async #applyDeclaration(declared: EffectiveState): Promise<ApplyResult> {
    // Looked at first: what somebody changed is kept before it is overwritten (RBK-2).
    if (this.#ready) await this.#evaluate();
    this.#ledger.declare(declared);
    this.#watch.setDeclaredPatterns(declared.blacklist);
    return await this.#applyPending(this.#watch.names);
  }

  async #applyPending(drifted: ReadonlySet<string>): Promise<ApplyResult> {
    const result = await this.#whileApplying(() => this.#applier.applyDeclared(drifted));
    const first = !this.#ready;
    this.#ready = true;
    this.#limitations = await this.#applier.limitations();
    this.#tellApplied(result);
    await this.#evaluate();
    // Drift that the agent before had seen, but perhaps not told.
    if (first && this.#watch.items.length > 0) {
      this.#reportState = noteChange(this.#reportState, this.#nowMs());
    }
    // A rollback that a crash interrupted goes on: what it restored already no longer differs.
    if (this.#window.kind === "RollingBack") this.#rollbackDue ??= { force: false };
    return result;
  }

  #tellApplied(result: ApplyResult): void {
    const { applied, failed, unavailable } = result;
    if (applied.length + failed.length + unavailable.length === 0) return;
    for (const { name, reason } of failed) {
      this.#options.log.warn("declared item not applied", { item: name, reason });
    }
    this.#options.report({ kind: "applied", result });
  }

  /** Looks at everything, and tells the window what follows from it. */
  async #evaluate(onClean: WindowEvent = { kind: "clean" }): Promise<void> {
    if (!this.#ready) return;
    const { changed, grew } = await this.#watch.evaluate();
    const nowMs = this.#nowMs();
    if (this.#watch.items.length === 0) {
      this.#reportState = forgetChange(this.#reportState);
      this.#firstEventMs = undefined;
      this.#step(onClean);
      return;
    }
    this.#firstEventMs ??= nowMs;
    if (!changed) return;
    this.#reportState = noteChange(this.#reportState, nowMs);
    if (this.#window.kind !== "Idle") this.#sendDrift(grew);
  }

  /** The burst is over: what converges by itself is reverted, the rest gets its window. */
  async #settle(isReportDue: boolean): Promise<void> {
    await this.#evaluate();
    await this.#autoConverge();
    this.#reportState = noteSettled(this.#reportState);
    if (this.#watch.items.length === 0) return;
    if (isReportDue) this.#tellDrift();
    if (this.#window.kind === "Idle") this.#sendDrift(true);
  }

  #tellDrift(): void {
    this.#reportState = noteReport(this.#nowMs());
    this.#options.report({
      kind: "driftDetected",
      items: this.#watch.shownItems,
      magnitude: this.#watch.magnitude,
    });
  }

  async #autoConverge(): Promise<void> {
    const { autoConverge, window } = this.#policy;
    if (this.#emergency || window.mode === "observe" || this.#watch.items.length === 0) return;
    const nowMs = this.#nowMs();
    const decision = decideAutoConverge(this.#watch.items, autoConverge, this.#reversions, nowMs);
    for (const name of decision.flapping) {
      this.#options.report({ kind: "alert", text: `flapping: ${name}` });
    }
    if (decision.revert.length === 0) return;
    const names = decision.revert.map(itemName);
    this.#reversions = noteReversions(this.#reversions, names, nowMs);
    await this.#whileApplying(() => this.#applier.revert(decision.revert));
    await this.#evaluate();
    this.#options.report({ kind: "autoConverged", items: decision.revert.map(redactItem) });
  }

  async #rollBackByHand(to: EffectiveState | undefined, force: boolean): Promise<RollbackResult> {
    await this.#evaluate();
    const items = this.#watch.items;
    const blockedBy = force ? [] : (await this.#applier.consumersOf(items)).lines;
    if (blockedBy.length > 0) {
      this.#options.report({ kind: "rollbackBlocked", blockedBy, automatic: false });
      throw new ConvergenceError("ACTIVE_CONSUMERS", "active consumers", blockedBy);
    }
    if (to !== undefined) {
      this.#ledger.dropCommits();
      this.#ledger.declare(to);
      // What was committed is somebody's work too, and is kept before it goes (RBK-2).
      await this.#applyPending(new Set(this.#ledger.declaredKeys().map(({ name }) => name)));
    }
    return await this.#revert(items, false);
  }

  /** Expiry: independent items proceed, those in use wait (RBK-4). */
  async #rollBackAtExpiry(force: boolean): Promise<void> {
    await this.#evaluate();
    const { requireAck } = this.#policy;
    const due = this.#watch.items.filter(({ category }) => !requireAck.has(category));
    const { lines, free } = force ? { lines: [], free: due } : await this.#applier.consumersOf(due);
    if (free.length > 0) await this.#revert(free, true);
    if (lines.length === 0) {
      this.#step({ kind: "rolledBack", drift: this.#watch.remaining });
      return;
    }
    this.#options.report({ kind: "rollbackBlocked", blockedBy: lines, automatic: true });
    this.#step({ kind: "blocked", blockedBy: lines });
  }

  async #revert(items: readonly DriftItem[], automatic: boolean): Promise<RollbackResult> {
    // The plan is the drift itself: saved before the first step, it is found again after a crash.
    this.#save();
    const { backups, problems } = await this.#whileApplying(() => this.#applier.revert(items));
    await this.#evaluate({ kind: "rolledBack", drift: undefined });
    const incomplete = stillDiffering(items, this.#watch.items, problems);
    if (incomplete.length > 0) {
      const names = incomplete.map(({ name }) => name).join(", ");
      this.#options.report({ kind: "alert", text: `rollback incomplete: ${names}` });
    }
    const result = { items: items.map(redactItem), backups, incomplete };
    this.#options.report({ kind: "rolledBack", result, automatic });
    return result;
  }

  async #onTimer(): Promise<void> {
    const due = this.#dueMs();
    const nowMs = this.#nowMs();
    const isReportDue = due.report !== undefined && due.report <= nowMs;
    const isSettled = due.settle !== undefined && due.settle <= nowMs;
    if (isSettled || isReportDue) await this.#settle(isReportDue);
    if (due.retry !== undefined && due.retry <= nowMs) await this.#retry(nowMs);
    if (due.window === undefined || due.window > nowMs) return;
    await this.#evaluate();
    this.#step({ kind: "tick", drift: this.#watch.remaining });
  }

  async #retry(nowMs: number): Promise<void> {
    const names = new Set(dueRetries(this.#ledger.failures, nowMs));
    this.#tellApplied(await this.#whileApplying(() => this.#applier.retry(names)));
    await this.#evaluate();
  }

  #step(event: WindowEvent): void {
    const step = stepWindow(this.#window, event, this.#nowMs(), this.#policy.window);
    this.#window = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "rollBack") this.#rollbackDue = { force: effect.force };
      else this.#options.report(windowNotice(effect, this.#remainingSeconds() ?? 0));
    }
  }

  #sendDrift(grew: boolean): void {
    const drift = this.#watch.remaining;
    if (drift === undefined) return;
    const firstEventMs = this.#firstEventMs ?? this.#nowMs();
    this.#step({ kind: "drift", drift, firstEventMs, grew });
  }

  async #finishTask(): Promise<void> {
    const due = this.#rollbackDue;
    this.#rollbackDue = undefined;
    if (due !== undefined && !this.#emergency && !this.#closed) {
      await this.#rollBackAtExpiry(due.force);
    }
    this.#tellState();
    this.#save();
    this.#schedule();
  }

  #schedule(): void {
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    this.#timer = undefined;
    const moments = Object.values(this.#dueMs()).filter((moment) => moment !== undefined);
    if (this.#closed || !this.#ready || moments.length === 0) return;
    const delayMs = Math.max(0, Math.min(...moments) - this.#nowMs());
    this.#timer = clock.setTimer(Math.min(delayMs, LONGEST_TIMER_MS), () => {
      this.#timer = undefined;
      this.#queue.runInBackground(() => this.#onTimer());
    });
  }

  #dueMs(): Record<"settle" | "report" | "retry" | "window", number | undefined> {
    const window = nextTickMs(this.#window);
    const limits = this.#options.limits ?? DEFAULT_REPORT_LIMITS;
    return {
      settle: settleDueMs(this.#reportState, limits),
      report: reportDueMs(this.#reportState, limits),
      retry: nextRetryMs(this.#ledger.failures),
      window: window === undefined ? undefined : Math.max(window, this.#prepared.heldUntilMs),
    };
  }

  async #whileApplying<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#applying = true;
    this.#tellState();
    try {
      return await work();
    } finally {
      this.#applying = false;
    }
  }

  #tellState(): void {
    const state = this.#nodeState();
    if (state === this.#reportedState) return;
    this.#reportedState = state;
    this.#options.report({ kind: "stateChanged", nodeState: state });
  }

  #nodeState(): NodeState {
    return nodeState({
      mode: this.#policy.window.mode,
      emergency: this.#emergency,
      converging: this.#applying || !this.#ready || this.#window.kind === "RollingBack" ||
        this.#ledger.failures.size > 0,
      drifted: this.#watch.items.length > 0,
    });
  }

  #save(): void {
    const snapshot: Snapshot = {
      bootId: this.#options.bootId,
      window: this.#window,
      emergency: this.#emergency,
      converged: this.#ledger.converged,
      commits: this.#ledger.commits,
      items: this.#watch.known,
      reversions: this.#reversions,
    };
    try {
      const text = encodeSnapshot(snapshot);
      if (text !== this.#saved) this.#options.store.save(SNAPSHOT, text);
      this.#saved = text;
      this.#originals.save();
    } catch (error) {
      this.#options.log.error("state not saved", { document: SNAPSHOT, reason: String(error) });
    }
  }

  #remainingSeconds(): number | undefined {
    return remainingSeconds(this.#window, this.#nowMs());
  }

  #nowMs(): number {
    return Math.trunc(this.#options.bootMs());
  }
}
