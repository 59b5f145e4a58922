import { z } from "zod";
import { ConfigError } from "../../common/config/mod.ts";
import { ClaimError, principalOf } from "../../common/auth/mod.ts";

const ClaimsSchema = z.record(z.string(), z.unknown());

/**
 * Refuses a token that says it belongs to a person (MCP-10). The claims are read unverified: this
 * guards against a mistake, the servers decide what the token may do. An opaque token passes.
 *
 * @throws {ConfigError} for a human's token.
 */
export function requireMachineToken(token: string): void {
  const claims = readClaims(token);
  if (claims === undefined) return;
  try {
    const settings = { principalClaim: "sub", roleMap: {} };
    if (principalOf(claims, settings).principalType !== "Human") return;
  } catch (error) {
    if (error instanceof ClaimError) return;
    throw error;
  }
  throw new ConfigError(
    "pact-mcp requires a pact-service-ai token; " +
      "PACT_MCP_ALLOW_HUMAN_TOKEN=true lets it use a person's, with the tools' limits unchanged",
  );
}

function readClaims(token: string): Record<string, unknown> | undefined {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
    return ClaimsSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined;
  }
}
