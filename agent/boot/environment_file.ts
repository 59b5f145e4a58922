/**
 * The variables of an environment file as systemd.exec(5) has it: NAME=VALUE a line, `#` and `;` begin
 * comments, quotes around a value are taken off. Lines that are none are left out; of several of one
 * name the last counts.
 *
 * ```ts
 * import { environmentOf } from "./environment_file.ts";
 * import assert from "node:assert/strict";
 *
 * const variables = environmentOf('# node\nPACT_AGENT_NODE_ID=n1\nPACT_LOG_LEVEL="debug"\nno line\n');
 * assert.deepEqual([...variables], [["PACT_AGENT_NODE_ID", "n1"], ["PACT_LOG_LEVEL", "debug"]]);
 * ```
 */
export function environmentOf(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name = "", value = ""] = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line) ?? [];
    const [, , inner] = /^(["'])(.*)\1$/.exec(value) ?? [];
    if (name !== "") variables.set(name, inner ?? value);
  }
  return variables;
}
