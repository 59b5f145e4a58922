import type { SpiffeId } from "../certificate/mod.ts";
import { SpiffeError } from "./error.ts";
import type { SvidIdentity, SvidSet } from "./svid.ts";

/** Which of its identities a process goes by (SPI-3). */
export interface SvidChoice {
  /** The configured one, as `spiffe://…`; no other will do. */
  readonly spiffeId?: string | undefined;
  /** Which ones are of the form that is looked for; the first of these is preferred. */
  readonly isOurs: (id: SpiffeId) => boolean;
}

/**
 * The configured identity, else the first of the form that is looked for, else the first.
 *
 * @throws SpiffeError NO_IDENTITY when the configured one is not among them.
 */
export function chooseSvid(
  { svids, bundles }: SvidSet,
  { spiffeId, isOurs }: SvidChoice,
): SvidIdentity {
  const svid = spiffeId === undefined
    ? svids.find(({ id }) => isOurs(id)) ?? svids[0]
    : svids.find(({ id }) => id.uri === spiffeId);
  if (svid !== undefined) return { svid, bundles };
  const given = svids.map(({ id }) => id.uri).join(", ");
  throw new SpiffeError(
    "NO_IDENTITY",
    `the agent gives no SVID ${spiffeId}, but ${given}: correct the registration entry or the setting`,
  );
}
