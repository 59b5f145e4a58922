/**
 * What keeps an assistant from being misled or from doing too much: rates, repeated writes, secrets
 * and foreign text in results.
 *
 * @module
 */
export { admitCall, initialRateState, type RateClass } from "./rate_limit.ts";
export { RequestIds } from "./request_ids.ts";
export { redactorFor } from "./secrets.ts";
export { quoteOutput, truncateMiddle, withoutControls } from "./text.ts";
