import { PactError } from "../../common/errors/mod.ts";
import type { ConfigState } from "../state/mod.ts";

const CONFIG_STATES: readonly ConfigState[] = [
  "ObserveOnly",
  "Committed",
  "Drifted",
  "Converging",
  "Emergency",
];

/**
 * The state a text names exactly (API-9).
 *
 * @throws {PactError} INVALID_ARGUMENT.
 */
export function configStateOf(text: string): ConfigState {
  const state = CONFIG_STATES.find((candidate) => candidate === text);
  if (state === undefined) {
    throw new PactError("INVALID_ARGUMENT", `unknown config state '${text}'`);
  }
  return state;
}

/**
 * The state a filter means, in any case and with or without underscores; undefined for all.
 *
 * @throws {PactError} INVALID_ARGUMENT listing the states.
 */
export function configStateFilter(text: string): ConfigState | undefined {
  if (text === "") return undefined;
  const wanted = text.toLowerCase().replaceAll("_", "");
  const state = CONFIG_STATES.find((candidate) => candidate.toLowerCase() === wanted);
  if (state === undefined) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `unknown config state '${text}': use ${CONFIG_STATES.join(", ")}`,
    );
  }
  return state;
}
