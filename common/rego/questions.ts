import type { RegoQuestion } from "./evaluator.ts";
import type { PolicyInput } from "./input.ts";

/**
 * What the rules are asked about a request: once for each category its change touches (OPA-4), and
 * with the coarse name beside the canonical one where older site rules know only that (OPA-7).
 */
export function questionsOf(input: PolicyInput): RegoQuestion[] {
  const categories = input.drift_category !== undefined
    ? [input.drift_category]
    : input.change?.categories ?? [];
  const inputs = categories.length === 0
    ? [input]
    : categories.map((drift_category) => ({ ...input, drift_category }));
  return inputs.map((each) => ({ input: each, coarseInput: coarseOf(each) }));
}

function coarseOf(input: PolicyInput): PolicyInput | undefined {
  const name = coarseName(input.action);
  return name === undefined ? undefined : { ...input, action: name, action_detail: input.action };
}

function coarseName(action: string): string | undefined {
  if (action.startsWith("emergency_")) return "emergency";
  // A read of what services do was never part of the coarse name.
  return /^service_(start|stop|restart)$/.test(action) ? "service" : undefined;
}
