/**
 * Requests that came before the node was ready (NS-14): first in, first out, bounded. Pure.
 *
 * | gate    | a request                               | opens          | fails for good          |
 * |---------|-----------------------------------------|----------------|-------------------------|
 * | Booting | waits, or is refused when the line is full | all are run | all are refused         |
 * | Open    | runs                                    |                |                         |
 * | Failed  | is refused                              | runs from then |                         |
 */
import {
  handoffBootFailed,
  handoffQueueFull,
  MAX_QUEUED_REQUESTS,
  type NamespaceError,
} from "../../contracts/mod.ts";

export type Gate =
  | { readonly name: "Booting"; readonly phase: string }
  | { readonly name: "Open" }
  | { readonly name: "Failed"; readonly reason: string };

export interface WaitingLine<Item> {
  readonly gate: Gate;
  readonly items: readonly Item[];
}

/** What is to be done with items. */
export interface LineStep<Item> {
  readonly line: WaitingLine<Item>;
  readonly run: readonly Item[];
  readonly refuse: readonly { readonly item: Item; readonly error: NamespaceError }[];
}

/** An empty line before a node that boots. */
export function emptyLine<Item>(phase: string): WaitingLine<Item> {
  return { gate: { name: "Booting", phase }, items: [] };
}

/** A request came. */
export function enqueue<Item>(line: WaitingLine<Item>, item: Item): LineStep<Item> {
  const { gate, items } = line;
  if (gate.name === "Open") return { line, run: [item], refuse: [] };
  if (gate.name === "Failed") {
    return { line, run: [], refuse: [{ item, error: handoffBootFailed(gate.reason) }] };
  }
  if (items.length >= MAX_QUEUED_REQUESTS) {
    return { line, run: [], refuse: [{ item, error: handoffQueueFull() }] };
  }
  return { line: { gate, items: [...items, item] }, run: [], refuse: [] };
}

/** The node came a step further, is ready, or never will be. */
export function setGate<Item>({ items }: WaitingLine<Item>, gate: Gate): LineStep<Item> {
  if (gate.name === "Booting") return { line: { gate, items }, run: [], refuse: [] };
  if (gate.name === "Open") return { line: { gate, items: [] }, run: items, refuse: [] };
  const error = handoffBootFailed(gate.reason);
  return {
    line: { gate, items: [] },
    run: [],
    refuse: items.map((item) => ({ item, error })),
  };
}

/** Who asked is gone. */
export function leave<Item>(
  { gate, items }: WaitingLine<Item>,
  isGone: (item: Item) => boolean,
): WaitingLine<Item> {
  return { gate, items: items.filter((item) => !isGone(item)) };
}
