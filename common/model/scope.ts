import * as z from "zod";
import { isNodeId, isVClusterId } from "./identifiers.ts";

/** Scope of an entry: the whole site, one vCluster or one node. */
export type Scope = "Global" | { VCluster: string } | { Node: string };

/** Where a change applies, in its document form (JRN-13). */
export const ScopeSchema = z.custom<Scope>(isScope, "Invalid input");

/** Whether a value is a scope, of ids that keep their grammar. */
export function isScope(value: unknown): value is Scope {
  if (value === "Global") return true;
  if (typeof value !== "object" || value === null) return false;
  const [key, ...others] = Object.keys(value);
  if (others.length > 0) return false;
  if (key === "VCluster") return "VCluster" in value && isVClusterId(value.VCluster);
  return key === "Node" && "Node" in value && isNodeId(value.Node);
}

/** Short text of a scope, as `pact log` shows and `--scope` reads it (CLI-52). */
export function scopeText(scope: Scope): string {
  if (scope === "Global") return "global";
  return "VCluster" in scope ? `vc:${scope.VCluster}` : `node:${scope.Node}`;
}

/** Reads the text form of {@link scopeText}; undefined when it is none. */
export function parseScopeText(text: string): Scope | undefined {
  if (text === "global") return "Global";
  const [kind, id] = splitOnce(text);
  const candidate = kind === "vc" ? { VCluster: id } : kind === "node" ? { Node: id } : undefined;
  const parsed = ScopeSchema.safeParse(candidate);
  return parsed.success ? parsed.data : undefined;
}

function splitOnce(text: string): [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}
