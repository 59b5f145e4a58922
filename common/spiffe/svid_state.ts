/**
 * The SVID that is in force, and the stream it comes by.
 *
 * | phase      | start      | answer                | broken                  | due (retry, aging, expiry)      | close  |
 * | ---------- | ---------- | --------------------- | ----------------------- | ------------------------------- | ------ |
 * | idle       | connecting | -                     | -                       | -                               | closed |
 * | connecting | -          | streaming             | waiting                 | aging, expiry: announced        | closed |
 * | streaming  | -          | streaming, replaced   | waiting                 | aging: connecting, on a new one | closed |
 * | waiting    | -          | -                     | -                       | retry: connecting               | closed |
 *
 * An SVID outlives its stream until it ends itself: an agent that restarts takes nothing from anyone.
 * Only the agent's word that there is no identity any more takes it back, and only where it stays with
 * that: an agent that has just started says so until it has heard from its server.
 *
 * @module
 */
import type { SpiffeErrorCode } from "./error.ts";
import type { SvidIdentity } from "./svid.ts";

/** The identity in force. */
export interface HeldSvid {
  readonly identity: SvidIdentity;
  /** Less than a third of its life is left (IDN-1): no new one came when it should have. */
  readonly isAging: boolean;
}

/** Where the stream stands. */
export type SvidPhase =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "streaming" }
  | { readonly kind: "waiting"; readonly attempt: number; readonly retryAtMs: number }
  | { readonly kind: "closed" };

/** The states: a phase, and what is held in it. */
export interface SvidState {
  readonly phase: SvidPhase;
  readonly held: HeldSvid | undefined;
  /** Since when the agent has said nothing but that there is no identity. */
  readonly deniedSinceMs?: number | undefined;
}

/** What can happen. */
export type SvidEvent =
  | { readonly kind: "start" }
  /** The agent gave an identity. */
  | { readonly kind: "answer"; readonly identity: SvidIdentity }
  /** The stream came to nothing or to its end; `jitter` is uniform in [0, 1). */
  | { readonly kind: "broken"; readonly code: SpiffeErrorCode; readonly jitter: number }
  /** One of the moments asked for by `wakeAt` has come. */
  | { readonly kind: "due" }
  | { readonly kind: "close" };

/** What a shell does about a transition. */
export type SvidEffect =
  /** Open the stream, ending the one there is. */
  | { readonly kind: "connect" }
  | { readonly kind: "disconnect" }
  /** Send `due` at this moment, and at no other one asked for before. */
  | { readonly kind: "wakeAt"; readonly atMs: number | undefined }
  /** The identity in force is another one, has begun to age, or is none any more. */
  | { readonly kind: "announce"; readonly held: HeldSvid | undefined };

/** A state with what is to be done on entering it. */
export interface SvidTransition {
  readonly state: SvidState;
  readonly effects: readonly SvidEffect[];
}

/** How the stream is opened again. */
export interface SvidRules {
  /** Longest wait between two tries. */
  readonly retryMaxMs: number;
}

/** Before the start. */
export const initialSvidState: SvidState = { phase: { kind: "idle" }, held: undefined };

const FIRST_RETRY_MS = 500;
/** How long an agent must stay with it that there is no identity. */
const WITHDRAWN_AFTER_MS = 30_000;

/** What the event at the time `nowMs` makes of the state. */
export function svidStep(
  state: SvidState,
  event: SvidEvent,
  nowMs: number,
  rules: SvidRules,
): SvidTransition {
  const { phase } = state;
  if (phase.kind === "closed") return { state, effects: [] };
  switch (event.kind) {
    case "start":
      return phase.kind === "idle" ? connect(state, 1) : unchanged(state);
    case "answer":
      return phase.kind === "connecting" || phase.kind === "streaming"
        ? take(event.identity, nowMs)
        : unchanged(state);
    case "broken":
      return phase.kind === "connecting" || phase.kind === "streaming"
        ? lose(state, event, nowMs, rules)
        : unchanged(state);
    case "due":
      return look(state, nowMs, rules);
    case "close":
      return {
        state: { phase: { kind: "closed" }, held: undefined },
        effects: [{ kind: "disconnect" }, { kind: "wakeAt", atMs: undefined }],
      };
  }
}

function take(identity: SvidIdentity, nowMs: number): SvidTransition {
  const held = heldAt(identity, nowMs);
  const state: SvidState = { phase: { kind: "streaming" }, held };
  return settle(state, [{ kind: "announce", held }]);
}

function lose(
  state: SvidState,
  { code, jitter }: Extract<SvidEvent, { kind: "broken" }>,
  nowMs: number,
  { retryMaxMs }: SvidRules,
): SvidTransition {
  const attempt = state.phase.kind === "connecting" ? state.phase.attempt : 1;
  const boundMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 16), retryMaxMs);
  const retryAtMs = nowMs + boundMs * (0.5 + jitter / 2);
  const deniedSinceMs = code === "NO_IDENTITY" ? state.deniedSinceMs ?? nowMs : undefined;
  const isWithdrawn = state.held !== undefined && deniedSinceMs !== undefined &&
    nowMs - deniedSinceMs >= WITHDRAWN_AFTER_MS;
  const held = isWithdrawn ? undefined : state.held;
  return settle(
    { phase: { kind: "waiting", attempt, retryAtMs }, held, deniedSinceMs },
    isWithdrawn ? [{ kind: "announce", held: undefined }] : [],
  );
}

/** Ages what is held, and opens the stream where that is due. */
function look(state: SvidState, nowMs: number, { retryMaxMs }: SvidRules): SvidTransition {
  const held = state.held === undefined ? undefined : heldAt(state.held.identity, nowMs);
  const hasAged = held?.isAging !== state.held?.isAging;
  const announced: SvidEffect[] = hasAged ? [{ kind: "announce", held }] : [];
  const { phase, deniedSinceMs } = state;
  // Further away than any wait: somebody has set the clock back.
  const isRetry = phase.kind === "waiting" &&
    (nowMs >= phase.retryAtMs || phase.retryAtMs - nowMs > retryMaxMs);
  // An agent that gives nothing new in time may hang: another stream finds out.
  const isStale = phase.kind === "streaming" && hasAged;
  if (!isRetry && !isStale) return settle({ phase, held, deniedSinceMs }, announced);
  const attempt = phase.kind === "waiting" ? phase.attempt + 1 : 1;
  const next = connect({ phase, held, deniedSinceMs }, attempt);
  return { state: next.state, effects: [...announced, ...next.effects] };
}

function connect(state: SvidState, attempt: number): SvidTransition {
  return settle({ ...state, phase: { kind: "connecting", attempt } }, [
    { kind: "connect" },
  ]);
}

/** Adds the moment at which to look again. */
function settle(state: SvidState, effects: readonly SvidEffect[]): SvidTransition {
  const { phase, held } = state;
  const moments = [
    ...(phase.kind === "waiting" ? [phase.retryAtMs] : []),
    ...(held === undefined ? [] : [nextMoment(held)]),
  ];
  const atMs = moments.length === 0 ? undefined : Math.min(...moments);
  return { state, effects: [...effects, { kind: "wakeAt", atMs }] };
}

function unchanged(state: SvidState): SvidTransition {
  return { state, effects: [] };
}

/** What an identity is worth at a moment: nothing once it has ended. */
function heldAt(identity: SvidIdentity, nowMs: number): HeldSvid | undefined {
  if (nowMs >= identity.svid.notAfterMs) return undefined;
  return { identity, isAging: nowMs > agingAtMs(identity) };
}

/** When it begins to age, or ends. */
function nextMoment({ identity, isAging }: HeldSvid): number {
  const endMs = identity.svid.notAfterMs;
  return isAging ? endMs : Math.min(agingAtMs(identity) + 1, endMs);
}

/** The last moment at which a third of the life is left. */
function agingAtMs({ svid: { notBeforeMs, notAfterMs } }: SvidIdentity): number {
  return Math.floor(notAfterMs - (notAfterMs - notBeforeMs) / 3);
}
