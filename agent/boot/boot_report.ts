import type { BootNews } from "./boot_sequence.ts";
import type { BootState } from "./boot_machine.ts";

/** A boot's event as the record has it (BTS-5). */
export interface BootRecord {
  readonly action: "boot.phase_complete" | "boot.phase_failed" | "boot.ready";
  readonly detail: string;
  readonly outcome: "Success" | "Failure";
}

/** What goes on the record about a boot. */
export function recordOf(news: BootNews): BootRecord {
  switch (news.kind) {
    case "phaseCompleted": {
      const { phase, durationMs, attempts } = news;
      const tries = attempts === 1 ? "" : ` in ${attempts} attempts`;
      return {
        action: "boot.phase_complete",
        detail: `${phase}: ${Math.round(durationMs)} ms${tries}`,
        outcome: "Success",
      };
    }
    case "phaseFailed": {
      const detail = failureText(news);
      return { action: "boot.phase_failed", detail, outcome: "Failure" };
    }
    case "ready": {
      const phases = news.completed.map(({ phase, durationMs }) =>
        `${phase} ${Math.round(durationMs)}`
      );
      return {
        action: "boot.ready",
        detail: `${Math.round(news.totalMs)} ms (${phases.join(", ")})`,
        outcome: "Success",
      };
    }
  }
}

/** The line of log and console for a failed attempt (BTS-3). */
export function failureText(
  { phase, retries, reason }: Extract<BootNews, { kind: "phaseFailed" }>,
): string {
  return `boot phase ${phase} failed, ${retries}: ${reason}`;
}

/** What status shows of a boot that is not over; nothing once the node is ready. */
export function statusTexts(state: BootState): string[] {
  switch (state.kind) {
    case "notStarted":
      return ["boot: not started"];
    case "running":
      if (state.lastReason === undefined) return [`boot: phase ${state.phase}`];
      return [failedText(state.phase, state.attempt - 1, state.lastReason)];
    case "failed":
      return [failedText(state.phase, state.attempt, state.reason)];
    case "ready":
      return [];
  }
}

/** Whether the node has failed to boot: the next attempt is no success yet. */
export function isBootFailed(state: BootState): boolean {
  return state.kind === "failed" || (state.kind === "running" && state.lastReason !== undefined);
}

function failedText(phase: string, attempt: number, reason: string): string {
  return `BootFailed: phase ${phase}, attempt ${attempt}: ${reason}`;
}
