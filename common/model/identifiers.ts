import * as z from "zod";

/** Pseudo vCluster that holds the configuration of unassigned nodes (OVL-10). */
export const DOMAIN_VCLUSTER = "_domain";

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;
const NODE_ID_MAX_CHARS = 253;
const VCLUSTER_ID = new RegExp(`^(?:${DOMAIN_VCLUSTER}|[A-Za-z0-9][A-Za-z0-9_-]{0,62})$`);

/** A node id: 1..253 characters, first one alphanumeric (journal.md section 2). */
export const NodeIdSchema = z.string().min(1).max(NODE_ID_MAX_CHARS).regex(NODE_ID, {
  message: "node id must start with a letter or digit and hold only letters, digits, . _ : -",
});

/** A vCluster id: 1..63 characters, or `_domain` (journal.md section 2, OVL-10). */
export const VClusterIdSchema = z.string().regex(VCLUSTER_ID, {
  message: "vCluster id must start with a letter or digit and hold only letters, digits, _ -",
});

/** Whether the schema takes it, asked by every write: a parse costs more than the question. */
export function isNodeId(value: unknown): value is string {
  return typeof value === "string" && value.length <= NODE_ID_MAX_CHARS && NODE_ID.test(value);
}

/** As {@link isNodeId}. */
export function isVClusterId(value: unknown): value is string {
  return typeof value === "string" && VCLUSTER_ID.test(value);
}

/** RFC 3339 instant in UTC, as every pact document writes it. */
export const InstantSchema = z.iso.datetime({ offset: true });

/** A log sequence or other counter that must survive JSON without losing digits. */
export const CounterSchema = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
