import type { History, Operation } from "./history.ts";

/** A call or a return; `operation` counts within the history. */
interface Event {
  readonly at: number;
  readonly operation: number;
  readonly isCall: boolean;
}

/** The place before the first event. */
const HEAD = 0;

/**
 * Calls and returns of a history in the order of their times, as a list from which the events of an
 * operation can be taken out and put back in constant time (last out, first in).
 */
export class EventList {
  readonly #events: readonly Event[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #callOf: Int32Array;
  /** 0 where the outcome is unknown: such an operation never returns. */
  readonly #returnOf: Int32Array;

  constructor(history: History<unknown, unknown>) {
    this.#events = history.flatMap(eventsOf).sort(inTime);
    const places = this.#events.length + 1;
    this.#next = Int32Array.from({ length: places }, (_, place) => (place + 1) % places);
    this.#previous = Int32Array.from({ length: places }, (_, place) => Math.max(0, place - 1));
    this.#callOf = new Int32Array(history.length);
    this.#returnOf = new Int32Array(history.length);
    for (const [at, { operation, isCall }] of this.#events.entries()) {
      (isCall ? this.#callOf : this.#returnOf)[operation] = at + 1;
    }
  }

  /** The first event's place; 0 when the list is empty. */
  get first(): number {
    return this.after(HEAD);
  }

  /** The place after; 0 behind the last. */
  after(place: number): number {
    return this.#next[place] ?? HEAD;
  }

  callOf(operation: number): number {
    return this.#callOf[operation] ?? HEAD;
  }

  at(place: number): Event {
    const event = this.#events[place - 1];
    if (event === undefined) throw new RangeError(`no event at place ${place}`);
    return event;
  }

  take(operation: number): void {
    for (const place of this.#placesOf(operation)) {
      const before = this.#previous[place] ?? HEAD;
      const behind = this.#next[place] ?? HEAD;
      this.#next[before] = behind;
      if (behind !== HEAD) this.#previous[behind] = before;
    }
  }

  putBack(operation: number): void {
    for (const place of this.#placesOf(operation).reverse()) {
      const before = this.#previous[place] ?? HEAD;
      const behind = this.#next[place] ?? HEAD;
      this.#next[before] = place;
      if (behind !== HEAD) this.#previous[behind] = place;
    }
  }

  #placesOf(operation: number): number[] {
    return [this.callOf(operation), this.#returnOf[operation] ?? HEAD].filter((at) => at !== HEAD);
  }
}

function eventsOf({ calledAt, outcome }: Operation<unknown, unknown>, operation: number): Event[] {
  const call = { at: calledAt, operation, isCall: true };
  if (outcome.kind === "unknown") return [call];
  if (outcome.at < calledAt) {
    throw new RangeError(`operation ${operation} returned before its call`);
  }
  return [call, { at: outcome.at, operation, isCall: false }];
}

/** At the same moment calls come first: such operations overlap. */
function inTime(left: Event, right: Event): number {
  return left.at - right.at || Number(right.isCall) - Number(left.isCall);
}
