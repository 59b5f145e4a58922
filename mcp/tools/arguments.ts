import { z } from "zod";
import { parseScopeText, type Scope, VClusterIdSchema } from "../../common/model/mod.ts";
import { ToolError } from "./tool.ts";

/** A node id argument (MCP-32). */
export const NodeArgument = z.string().min(1).max(253).regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, {
  message: "must start with a letter or digit and hold only letters, digits, . _ : -",
});

/** A vCluster argument (MCP-32). */
export const VClusterArgument = z.string().min(1).max(63).regex(
  /^(_domain|[A-Za-z0-9][A-Za-z0-9_-]*)$/,
  { message: "must start with a letter or digit and hold only letters, digits, _ -" },
);

/** A scope such as `node:X`, read. */
export function scopeOf(text: string): Scope {
  const scope = parseScopeText(text);
  if (scope === undefined) throw new ToolError(`scope: '${text}' is no scope; use node:X or vc:X`);
  return scope;
}

/** The vCluster to use: the argument, else the configured one. */
export function requireVCluster(...candidates: readonly (string | undefined)[]): string {
  const vcluster = candidates.find((candidate) => candidate !== undefined);
  if (vcluster === undefined) {
    throw new ToolError("vcluster required (no default: set PACT_VCLUSTER)");
  }
  return VClusterIdSchema.parse(vcluster);
}
