/**
 * The leader's watch over nodes that are heard of no more (HB-3), and the shell that performs it: it
 * owns one timer and ends with `stop`.
 *
 * | state     | event           | next                        | effect                             |
 * |-----------|-----------------|-----------------------------|------------------------------------|
 * | following | scan, leads     | leading since now           | none                               |
 * | leading   | scan, leads     | leading                     | after a timeout: DeactivateNode    |
 * | any       | scan, no leader | following                   | none                               |
 *
 * A new leader waits one full timeout: until then the members' reports tell who is still there.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { CommandInput, DocumentsView } from "../state/mod.ts";

/** Whether this member leads, and since when by its monotonic clock. */
export type Watch =
  | { readonly phase: "following" }
  | { readonly phase: "leading"; readonly sinceMs: number };

/** One look at the enrollment records. */
export interface Scan {
  readonly leads: boolean;
  readonly monotonicMs: number;
  /** Milliseconds since the epoch, as the records have it. */
  readonly nowMs: number;
  readonly timeoutMs: number;
}

/** Most nodes one scan takes out; the next one goes on. */
const MAX_DEACTIVATED = 10_000;

/** Commands under way at once. */
const MAX_UNDER_WAY = 64;

/** The watch after a scan, and whom it finds gone. */
export function scanForSilence(
  watch: Watch,
  view: DocumentsView,
  { leads, monotonicMs, nowMs, timeoutMs }: Scan,
): { readonly watch: Watch; readonly commands: readonly CommandInput[] } {
  if (!leads) return { watch: { phase: "following" }, commands: [] };
  if (watch.phase === "following") {
    return { watch: { phase: "leading", sinceMs: monotonicMs }, commands: [] };
  }
  if (monotonicMs - watch.sinceMs < timeoutMs) return { watch, commands: [] };
  return { watch, commands: silentNodes(view, nowMs - timeoutMs) };
}

function silentNodes(view: DocumentsView, sinceMs: number): CommandInput[] {
  const unseen_since = new Date(sinceMs).toISOString();
  const commands: CommandInput[] = [];
  for (const [node_id, { state, last_seen, enrolled_at }] of view.list("enrollments")) {
    if (state !== "Active" || Date.parse(last_seen ?? enrolled_at) >= sinceMs) continue;
    commands.push({ type: "DeactivateNode", node_id, unseen_since, reason: "heartbeat timeout" });
    if (commands.length === MAX_DEACTIVATED) break;
  }
  return commands;
}

/** What the watch works with. */
export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly state: DocumentsView;
  readonly leads: () => boolean;
  readonly propose: (command: CommandInput) => Promise<unknown>;
  /** When silence means gone (HB-1). */
  readonly timeoutMs: number;
  readonly onError: (error: unknown) => void;
}

/** Scans every half timeout on the member that leads; the returned function ends it. */
export function watchHeartbeats(options: HeartbeatOptions): () => Promise<void> {
  const { clock, state, leads, timeoutMs } = options;
  let watch: Watch = { phase: "following" };
  let running = Promise.resolve();
  let timer: TimerHandle | undefined;
  let isStopped = false;

  const scan = async () => {
    const now = { monotonicMs: clock.monotonicMs(), nowMs: clock.nowMs() };
    const found = scanForSilence(watch, state, { leads: leads(), timeoutMs, ...now });
    watch = found.watch;
    for (let from = 0; from < found.commands.length && !isStopped; from += MAX_UNDER_WAY) {
      await proposeAll(found.commands.slice(from, from + MAX_UNDER_WAY), options);
    }
  };
  const arm = () => {
    if (isStopped) return;
    timer = clock.setTimer(timeoutMs / 2, () => {
      running = scan().finally(arm);
    });
  };
  arm();
  return async () => {
    isStopped = true;
    if (timer !== undefined) clock.clearTimer(timer);
    await running;
  };
}

/** Whom it fails for is found again by the next scan. */
async function proposeAll(
  commands: readonly CommandInput[],
  { propose, onError }: HeartbeatOptions,
): Promise<void> {
  for (const outcome of await Promise.allSettled(commands.map(propose))) {
    if (outcome.status === "rejected") onError(outcome.reason);
  }
}
