/**
 * Whose tokens open the shell listener: what the node is configured with, else what the journal says,
 * else nobody's (ACF-4). It owns the connections to the issuer, and ends with `close`.
 */

import { equals } from "@bufbuild/protobuf";
import { stream } from "../../api/mod.ts";
import {
  type ClosableTokenVerifier,
  openTokenVerifier,
  type TokenRules,
  type TokenSurroundings,
  type TokenVerifier,
  type VerifiedToken,
} from "../../common/auth/mod.ts";
import { TOKEN_SCHEMAS } from "../../common/config/mod.ts";
import { PactError } from "../../common/errors/mod.ts";

/** See the head of this file. */
export class CallerTokens implements TokenVerifier {
  #told: stream.TokenIssuer | undefined;
  #byJournal: ClosableTokenVerifier | undefined;
  #hasToldNobody = false;

  constructor(
    private readonly own: ClosableTokenVerifier | undefined,
    private readonly surroundings: TokenSurroundings,
  ) {}

  async verifyHeader(authorization: string | null): Promise<VerifiedToken> {
    const verifier = this.own ?? this.#byJournal;
    if (verifier === undefined) {
      throw new PactError("UNAUTHENTICATED", "agent authentication not configured");
    }
    return await verifier.verifyHeader(authorization);
  }

  /** What the journal says now; true when it is something else than before. */
  take(told: stream.TokenIssuer | undefined): boolean {
    const issuer = told?.issuer === "" ? undefined : told;
    if (issuer === undefined) this.#tellNobody();
    if (isSame(issuer, this.#told)) return false;
    this.#told = issuer;
    this.#byJournal?.close();
    this.#byJournal = this.own === undefined && issuer !== undefined
      ? this.#open(issuer)
      : undefined;
    return true;
  }

  close(): void {
    this.own?.close();
    this.#byJournal?.close();
  }

  #open(issuer: stream.TokenIssuer): ClosableTokenVerifier | undefined {
    const { log } = this.surroundings;
    try {
      const verifier = openTokenVerifier(rulesOf(issuer), {
        ...this.surroundings,
        caPem: issuer.caPem === "" ? undefined : issuer.caPem,
      });
      log.info("tokens are verified as the journal says", { issuer: issuer.issuer });
      return verifier;
    } catch (error) {
      log.error("what the journal says of tokens cannot be used, every call is refused", {
        error: error instanceof Error ? error.message : String(error),
      });
      return undefined;
    }
  }

  /** Once: the journal says it again whenever contact is made. */
  #tellNobody(): void {
    if (this.#hasToldNobody || this.own !== undefined) return;
    this.#hasToldNobody = true;
    this.surroundings.log.warn(
      "agent authentication not configured: neither agent.shell.auth nor the journal names an " +
        "issuer of tokens, every call of the shell service is refused (ACF-4)",
    );
  }
}

function isSame(a: stream.TokenIssuer | undefined, b: stream.TokenIssuer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return equals(stream.TokenIssuerSchema, a, b);
}

/** @throws {ZodError} for what no journal's configuration may say. */
function rulesOf(told: stream.TokenIssuer): TokenRules {
  const schemas = TOKEN_SCHEMAS;
  const audiences = schemas.audiences.parse(told.audiences);
  return {
    issuer: schemas.url.parse(told.issuer),
    audiences,
    jwksUrl: schemas.url.parse(told.jwksUrl === "" ? undefined : told.jwksUrl),
    allowInsecureIssuer: told.allowInsecure,
    // A secret of HS256 tokens never leaves the machine it was configured on (AUT-13).
    hmacSecret: undefined,
    claims: {
      principalClaim: schemas.principalClaim.parse(told.principalClaim),
      clientIds: told.clientIds,
      roleMap: schemas.roleMap.parse(told.roleMap),
    },
    maxLifetimeSeconds: schemas.maxTokenLifetimeSeconds.parse(told.maxTokenLifetimeSeconds),
    jwksMaxStaleSeconds: schemas.jwksMaxStaleSeconds.parse(told.jwksMaxStaleSeconds),
  };
}
