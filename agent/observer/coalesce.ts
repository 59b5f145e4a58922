import { betterActor } from "./actor.ts";
import { eventName, type ObservedEvent, type SourceName } from "./event.ts";

/*
 * Brings the events of all sources together (OBS-5): those of one item within 250 ms are one; a source
 * that storms is not listened to for 10 s and looked after by a rescan at the end.
 *
 *   input   | a source that is heard              | a source that storms
 *   events  | kept until due; past a bound: storm | dropped
 *   lost    | rescan                              | nothing: a rescan comes anyway
 *   timer   | what is due is delivered            | at its end: rescan, heard again
 */

/** What happens. */
export type CoalesceInput =
  | { readonly kind: "events"; readonly events: readonly ObservedEvent[] }
  /** The source had to drop some: look at everything again. */
  | { readonly kind: "lost"; readonly source: SourceName }
  | { readonly kind: "timer" };

/** What is to be done. */
export type CoalesceEffect =
  | { readonly kind: "deliver"; readonly events: readonly ObservedEvent[] }
  | { readonly kind: "rescan"; readonly source: SourceName }
  /** Said once each time it begins. */
  | { readonly kind: "storm"; readonly source: SourceName };

interface Pending {
  readonly event: ObservedEvent;
  readonly dueMs: number;
}

interface Rate {
  readonly sinceMs: number;
  readonly count: number;
  /** The end of the storm; undefined while the source is heard. */
  readonly stormUntilMs?: number;
}

/** What is remembered from one input to the next. */
export interface CoalesceState {
  readonly pending: ReadonlyMap<string, Pending>;
  readonly rates: ReadonlyMap<SourceName, Rate>;
}

export const COALESCE_MS = 250;
export const STORM_PER_SECOND = 1_000;
export const STORM_MS = 10_000;
/** Most items that wait to be delivered. */
export const MAX_PENDING = 4_096;
const RATE_WINDOW_MS = 1_000;

/** Nothing has happened yet. */
export const QUIET: CoalesceState = { pending: new Map(), rates: new Map() };

/** What an input leads to. `nowMs` is monotonic. */
export function coalesce(
  state: CoalesceState,
  input: CoalesceInput,
  nowMs: number,
): { readonly state: CoalesceState; readonly effects: readonly CoalesceEffect[] } {
  switch (input.kind) {
    case "events":
      return onEvents(state, input.events, nowMs);
    case "lost":
      return isStorming(state, input.source)
        ? { state, effects: [] }
        : { state, effects: [{ kind: "rescan", source: input.source }] };
    case "timer":
      return onTimer(state, nowMs);
  }
}

/** When a timer is needed next, monotonic; undefined when nothing waits. */
export function nextTimerMs({ pending, rates }: CoalesceState): number | undefined {
  const [oldest] = pending.values();
  const ends = [...rates.values()].map(({ stormUntilMs }) => stormUntilMs);
  const times = [oldest?.dueMs, ...ends].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Whether a source is not listened to now. */
export function isStorming({ rates }: CoalesceState, source: SourceName): boolean {
  return hasStorm(rates.get(source));
}

function onEvents(state: CoalesceState, events: readonly ObservedEvent[], nowMs: number) {
  if (events.every(({ source }) => isStorming(state, source))) return { state, effects: [] };
  const pending = new Map(state.pending);
  const rates = new Map(state.rates);
  const effects: CoalesceEffect[] = [];
  for (const event of events) {
    const rate = counted(rates.get(event.source), nowMs);
    const name = eventName(event);
    const isFull = pending.size >= MAX_PENDING && !pending.has(name);
    if (!hasStorm(rate) && (rate.count > STORM_PER_SECOND || isFull)) {
      rates.set(event.source, { ...rate, stormUntilMs: nowMs + STORM_MS });
      effects.push({ kind: "storm", source: event.source });
      continue;
    }
    rates.set(event.source, rate);
    if (hasStorm(rate)) continue;
    const former = pending.get(name);
    // The first of them decides when: what goes on changing is delivered all the same.
    pending.set(name, {
      event: former === undefined ? event : merged(former.event, event),
      dueMs: former?.dueMs ?? nowMs + COALESCE_MS,
    });
  }
  return { state: { pending, rates }, effects };
}

function onTimer(state: CoalesceState, nowMs: number) {
  const due = [...state.pending].filter(([, { dueMs }]) => dueMs <= nowMs);
  const pending = new Map(state.pending);
  for (const [name] of due) pending.delete(name);
  const rates = new Map(state.rates);
  const effects: CoalesceEffect[] = [];
  if (due.length > 0) effects.push({ kind: "deliver", events: due.map(([, { event }]) => event) });
  for (const [source, { stormUntilMs }] of state.rates) {
    if (stormUntilMs === undefined || stormUntilMs > nowMs) continue;
    rates.delete(source);
    effects.push({ kind: "rescan", source });
  }
  return { state: { pending, rates }, effects };
}

/** Two events of one item: the later says what happened, whichever source knows better who did it. */
function merged(former: ObservedEvent, later: ObservedEvent): ObservedEvent {
  const actor = betterActor(former.actor, later.actor);
  // A probe tells of an attempt; what the tables show is what came of it.
  const told = later.source === "probes" && former.source !== "probes" ? former : later;
  const { actor: _actor, ...rest } = told;
  return actor === undefined ? rest : { ...rest, actor };
}

function counted(rate: Rate | undefined, nowMs: number): Rate {
  if (rate === undefined) return { sinceMs: nowMs, count: 1 };
  if (hasStorm(rate)) return rate;
  return nowMs - rate.sinceMs >= RATE_WINDOW_MS
    ? { sinceMs: nowMs, count: 1 }
    : { ...rate, count: rate.count + 1 };
}

function hasStorm(rate: Rate | undefined): boolean {
  return rate?.stormUntilMs !== undefined;
}
