import * as z from "zod";

/** Pseudo vCluster that holds the configuration of unassigned nodes (OVL-10). */
export const DOMAIN_VCLUSTER = "_domain";

/** A node id: 1..253 characters, first one alphanumeric (journal.md section 2). */
export const NodeIdSchema = z.string().min(1).max(253).regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, {
  message: "node id must start with a letter or digit and hold only letters, digits, . _ : -",
});

/** A vCluster id: 1..63 characters, or `_domain` (journal.md section 2, OVL-10). */
export const VClusterIdSchema = z.union([
  z.literal(DOMAIN_VCLUSTER),
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, {
    message: "vCluster id must start with a letter or digit and hold only letters, digits, _ -",
  }),
]);

/** RFC 3339 instant in UTC, as every pact document writes it. */
export const InstantSchema = z.iso.datetime({ offset: true });

/** A log sequence or other counter that must survive JSON without losing digits. */
export const CounterSchema = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
