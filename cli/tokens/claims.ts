import { z } from "zod";

/** What a token says about its bearer. Shown to people; no decision rests on it (CLI-21). */
export interface TokenClaims {
  readonly principal: string;
  readonly principalType: string;
  readonly roles: readonly string[];
  readonly issuer: string | undefined;
  readonly expiresAtMs: number | undefined;
}

const TextsSchema = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(/[\s,]+/).filter(Boolean)),
]).catch([]);

const ClaimsSchema = z.object({
  sub: z.string(),
  iss: z.string().optional().catch(undefined),
  exp: z.number().optional().catch(undefined),
  pact_role: TextsSchema.default([]),
  pact_principal_type: z.string().optional().catch(undefined),
  groups: TextsSchema.default([]),
});

/** Claims of a JWT, unverified; undefined for an opaque token. */
export function readClaims(token: string): TokenClaims | undefined {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  const parsed = ClaimsSchema.safeParse(decodePart(payload));
  if (!parsed.success) return undefined;
  const { sub, iss, exp, pact_role, pact_principal_type, groups } = parsed.data;
  const grouped = groups.map((group) => group.replace(/^\//, ""))
    .filter((group) => group.startsWith("pact-"));
  const roles = [...new Set([...pact_role, ...grouped])];
  const isMachine = roles.some((role) => role.startsWith("pact-service-"));
  return {
    principal: sub,
    principalType: isMachine ? "service" : pact_principal_type ?? "human",
    roles,
    issuer: iss,
    expiresAtMs: exp === undefined ? undefined : exp * 1000,
  };
}

function decodePart(part: string): unknown {
  try {
    const bytes = Uint8Array.fromBase64(part, { alphabet: "base64url" });
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
