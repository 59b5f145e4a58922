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
  /** Since when a burst goes on whose consequences have not been drawn. */
  readonly unsettledSinceMs?: number;
}

/** Notes that the set of drifted items changed. */
export function noteChange(state: ReportState, nowMs: number): ReportState {
  return {
    ...state,
    pendingSinceMs: state.pendingSinceMs ?? nowMs,
    unsettledSinceMs: state.unsettledSinceMs ?? nowMs,
  };
}

/** Notes that there is nothing left to tell, the drift having gone before it was told. */
export function forgetChange(state: ReportState): ReportState {
  const { pendingSinceMs: _pending, unsettledSinceMs: _unsettled, ...rest } = state;
  return rest;
}

/** Notes that the burst is over and its consequences drawn. */
export function noteSettled(state: ReportState): ReportState {
  const { unsettledSinceMs: _unsettled, ...rest } = state;
  return rest;
}

/** Notes that an entry has been written. */
export function noteReport(nowMs: number): ReportState {
  return { lastReportMs: nowMs };
}

/**
 * When the consequences of a burst are due: what converges by itself, and the window. The limit
 * between two entries does not hold them up (WIN-3).
 */
export function settleDueMs(state: ReportState, limits: ReportLimits): number | undefined {
  return state.unsettledSinceMs === undefined
    ? undefined
    : state.unsettledSinceMs + limits.settleMs;
}

/** When the next entry is due; undefined while there is nothing to tell. */
export function reportDueMs(state: ReportState, limits: ReportLimits): number | undefined {
  if (state.pendingSinceMs === undefined) return undefined;
  const settledMs = state.pendingSinceMs + limits.settleMs;
  return state.lastReportMs === undefined
    ? settledMs
    : Math.max(settledMs, state.lastReportMs + limits.betweenMs);
}
