import type { History, Model } from "../../../../../journal/sim/linearizability/mod.ts";
import { timeline } from "./timeline.ts";

type QueueInput = { readonly kind: "enq"; readonly item: string } | { readonly kind: "deq" };
/** The item; undefined where there is none. */
type QueueOutput = { readonly item: string | undefined };

/** The object of the published examples: a queue, as the text of its items. */
export const FIFO_QUEUE: Model<string, QueueInput, QueueOutput> = {
  initial: () => "",
  apply: (state, input) =>
    input.kind === "enq"
      ? { state: state + input.item, output: { item: undefined } }
      : { state: state.slice(1), output: { item: state[0] } },
  isSame: (expected, seen) => expected.item === seen.item,
  identity: (state) => state,
};

/** A history of a queue: `enq x`, `deq x`. */
export function queueTimeline(picture: string): History<QueueInput, QueueOutput> {
  return timeline(parseQueue, picture);
}

function parseQueue([verb, item = ""]: readonly string[]): {
  input: QueueInput;
  output: QueueOutput;
} {
  return verb === "enq"
    ? { input: { kind: "enq", item }, output: { item: undefined } }
    : { input: { kind: "deq" }, output: { item } };
}
