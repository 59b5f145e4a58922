/**
 * The words of the kernel's command line; double quotes keep blanks together, as in kernel-parameters.
 *
 * ```ts
 * import { kernelWords, valuesOf } from "./kernel_command_line.ts";
 * import assert from "node:assert/strict";
 *
 * const words = kernelWords('quiet pact.net=eth0,dhcp pact.log="debug"\n');
 * assert.deepEqual(valuesOf(words, "pact.net"), ["eth0,dhcp"]);
 * assert.deepEqual(valuesOf(words, "pact.log"), ["debug"]);
 * ```
 */
export function kernelWords(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*"|[^\s"])+/g)].map(([word]) => word.replaceAll('"', ""));
}

/** The values of every `NAME=VALUE`, in order; `-` and `_` are the same in names. */
export function valuesOf(words: readonly string[], name: string): string[] {
  const wanted = name.replaceAll("-", "_");
  return words.flatMap((word) => {
    const equals = word.indexOf("=");
    const found = equals > 0 && word.slice(0, equals).replaceAll("-", "_") === wanted;
    return found ? [word.slice(equals + 1)] : [];
  });
}

/** Environment variables of the agent that the kernel's command line stands in for (AGT-1). */
const VARIABLES: readonly (readonly [variable: string, names: readonly string[]])[] = [
  ["PACT_AGENT_CONFIG", ["pact.config"]],
  ["PACT_AGENT_NODE_ID", ["pact.node_id", "pact.nodeid"]],
  ["PACT_AGENT_VCLUSTER", ["pact.vcluster"]],
  ["PACT_AGENT_JOURNAL", ["pact.journal"]],
  ["PACT_LOG_LEVEL", ["pact.log"]],
];

/** The variable's value from the command line; of several the last counts. */
export function variableFrom(words: readonly string[], variable: string): string | undefined {
  const names = VARIABLES.find(([known]) => known === variable)?.[1] ?? [];
  return names.flatMap((name) => valuesOf(words, name)).at(-1);
}
