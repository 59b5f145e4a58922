import { MERCURY, type NodeCertificate, VENUS } from "../../support/identity/mod.ts";
import type { IdentitySite } from "../../support/identity/mod.ts";
import { createTestPki } from "../../support/mod.ts";
import type { Column } from "./table.ts";

/** What a caller presents. */
export interface Credential {
  readonly certificate?: Pick<NodeCertificate, "certPem" | "keyPem">;
  readonly headers: Readonly<Record<string, string>>;
}

/** Nodes whose certificates callers present. */
export interface CallerNodes {
  readonly own: NodeCertificate;
  readonly other: NodeCertificate;
  readonly revoked: NodeCertificate;
}

/** The credentials of every kind of caller. */
export async function callersOf(
  { issuer }: IdentitySite,
  { own, other, revoked }: CallerNodes,
): Promise<Readonly<Record<Column, Credential>>> {
  const admin = { sub: "ann", role: "pact-platform-admin" };
  const pki = await createTestPki("a CA that nobody here knows");
  const forged = await pki.agent({ nodeId: own.nodeId, domainId: "default" });
  const person = async (sub: string, role?: string) => bearer(await issuer.token({ sub, role }));
  return {
    nothing: { headers: {} },
    garbage: bearer("this is no token"),
    expired: bearer(await issuer.token({ ...admin, lifetimeSeconds: -3600 })),
    audience: bearer(await issuer.token({ ...admin, audience: "lattice" })),
    issuer: bearer(await issuer.token({ ...admin, issuer: "https://elsewhere.example" })),
    none: bearer(issuer.unsignedToken(admin)),
    hs256: bearer(await issuer.confusedToken(admin)),
    foreign: {
      certificate: { certPem: forged.certPem, keyPem: forged.keyPem.reveal() },
      headers: {},
    },
    revoked: { certificate: revoked, headers: {} },
    norole: await person("nia"),
    viewer: await person("vera", `pact-viewer-${MERCURY}`),
    othops: await person("otto", `pact-ops-${VENUS}`),
    ops: await person("olga", `pact-ops-${MERCURY}`),
    admin: bearer(await issuer.token(admin)),
    ai: await person("assistant", "pact-service-ai"),
    own: { certificate: own, headers: {} },
    other: { certificate: other, headers: {} },
  };
}

function bearer(token: string): Credential {
  return { headers: { authorization: `Bearer ${token}` } };
}
