import { z } from "zod";
import { isTrustDomain } from "../../common/certificate/mod.ts";
import { AbsolutePathSchema, listSetting, textSetting } from "../../common/config/mod.ts";
import { DEFAULT_SPIRE_SOCKET } from "../../common/spiffe/mod.ts";

/** Where the journal's own identity comes from (CRT-3, CRT-8). */
export const SPIRE_SETTINGS = {
  /** `auto` and `spire` ask SPIRE first; the other two never. */
  identityProvider: textSetting(
    { key: "journal.identity.provider" },
    z.enum(["auto", "spire", "self_signed", "static"]).default("auto"),
  ),
  spireSocket: textSetting(
    { key: "journal.identity.spire_socket" },
    AbsolutePathSchema.default(DEFAULT_SPIRE_SOCKET),
  ),
  /** Foreign trust domains whose agents are let in, once SPIRE gives their bundles. */
  federatesWith: listSetting(
    { key: "journal.identity.federates_with" },
    z.array(z.string().refine(isTrustDomain, { message: "must be a trust domain" })).max(128)
      .default([]),
  ),
} as const;
