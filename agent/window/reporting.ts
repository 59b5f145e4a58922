/** When drift is told, so that a burst is one entry and a storm few (DRIFT-7, DRIFT-8). */
export interface ReportLimits {
  /** Between the first event of a burst and the entry about it; 5000. */
  readonly settleMs: number;
  /** Between two entries; 10000. */
  readonly betweenMs: number;
}

/** The published limits. */
export const DEFAULT_REPORT_LIMITS: ReportLimits = { settleMs: 5_000, betweenMs: 10_000 };

/** What has been told, and since when there is something to tell. */
export interface ReportState {
  readonly pendingSinceMs?: number;
  readonly lastReportMs?: number;
}

/** Notes that the set of drifted items changed. */
export function noteChange(state: ReportState, nowMs: number): ReportState {
  return state.pendingSinceMs === undefined ? { ...state, pendingSinceMs: nowMs } : state;
}

/** Notes that there is nothing left to tell, the drift having gone before it was told. */
export function forgetChange(state: ReportState): ReportState {
  const { pendingSinceMs: _pending, ...rest } = state;
  return rest;
}

/** Notes that an entry has been written. */
export function noteReport(nowMs: number): ReportState {
  return { lastReportMs: nowMs };
}

/** When the next entry is due; undefined while there is nothing to tell. */
export function reportDueMs(state: ReportState, limits: ReportLimits): number | undefined {
  if (state.pendingSinceMs === undefined) return undefined;
  const settledMs = state.pendingSinceMs + limits.settleMs;
  return state.lastReportMs === undefined
    ? settledMs
    : Math.max(settledMs, state.lastReportMs + limits.betweenMs);
}
