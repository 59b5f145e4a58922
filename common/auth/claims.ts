import { isMachineRole, type Principal } from "../authz/mod.ts";

/** What a token says, verified or not; nothing is known of the types of its values. */
export type Claims = Readonly<Record<string, unknown>>;

/** How claims become a principal (AUT-10). */
export interface ClaimSettings {
  /** Claim that names the principal; `sub` by default. */
  readonly principalClaim: string;
  /** Clients whose `resource_access` roles count. */
  readonly clientIds?: readonly string[] | undefined;
  /** Principal, email or group to an added role, for providers that cannot emit claims. */
  readonly roleMap: Readonly<Record<string, string>>;
}

/** Claims that no principal can be made of. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
}

/** Names of the journal itself and of agents, which no token may carry. */
const RESERVED = /^(system|pact-service-agent)\//i;

/** Most roles one token may carry; more is an attack or a mistake. */
const MAX_ROLES = 100;

/**
 * The principal that verified claims describe (AUT-10, ROL-3).
 *
 * @throws {ClaimError} when `sub` is empty, the name is reserved, or the principal type is unknown.
 */
export function principalOf(claims: Claims, settings: ClaimSettings): Principal {
  const subject = text(claims["sub"]);
  if (subject === undefined) throw new ClaimError("sub missing");
  const isMachine = isOfClientAlone(claims);
  const client = isMachine ? clientOf(claims) : undefined;
  const principal = client ?? nameOf(claims, settings.principalClaim) ?? subject;
  if (RESERVED.test(principal)) throw new ClaimError("the name is reserved");
  const roles = rolesOf(claims, principal, settings).slice(0, MAX_ROLES);
  const type = principalType(claims, roles, isMachine);
  return { principal, principalType: type, roles, subject };
}

function principalType(
  claims: Claims,
  roles: readonly string[],
  isMachine: boolean,
): Principal["principalType"] {
  if (roles.some(isMachineRole)) return "Service";
  const stated = claims["pact_principal_type"];
  if (stated === "agent") return "Agent";
  if (stated === "service") return "Service";
  if (stated !== undefined && stated !== "human") {
    throw new ClaimError("unknown pact_principal_type");
  }
  return isMachine ? "Service" : "Human";
}

/**
 * Whether a client got the token for itself, by the client credentials grant. Providers say so in
 * different ways: some name the grant, some make the client the subject (RFC 9068 section 2.2),
 * Keycloak names a user after it. A token that states `human` is none.
 */
function isOfClientAlone(claims: Claims): boolean {
  if (claims["pact_principal_type"] === "human") return false;
  const client = clientOf(claims);
  return claims["gty"] === "client-credentials" || claims["gty"] === "client_credentials" ||
    (client !== undefined &&
      (claims["sub"] === client || claims["preferred_username"] === `service-account-${client}`));
}

function clientOf(claims: Claims): string | undefined {
  return text(claims["azp"]) ?? text(claims["client_id"]);
}

/** The claim that names people here; an email that the provider says it did not check is none. */
function nameOf(claims: Claims, claim: string): string | undefined {
  return claim === "email" ? emailOf(claims) : text(claims[claim]);
}

function emailOf(claims: Claims): string | undefined {
  return claims["email_verified"] === false || claims["email_verified"] === "false"
    ? undefined
    : text(claims["email"]);
}

function rolesOf(claims: Claims, principal: string, settings: ClaimSettings): string[] {
  const groups = texts(claims["groups"]).map((group) => group.replace(/^\//, ""));
  const nested = [
    member(claims["realm_access"], "roles"),
    ...(settings.clientIds ?? []).map((client) =>
      member(member(claims["resource_access"], client), "roles")
    ),
  ].flatMap(texts);
  const names = [principal, emailOf(claims), ...groups];
  const mapped = names.flatMap((name) =>
    name !== undefined && Object.hasOwn(settings.roleMap, name)
      ? [settings.roleMap[name] ?? ""]
      : []
  );
  const all = [
    ...texts(claims["pact_role"]),
    ...[...groups, ...nested].filter((name) => name.startsWith("pact-")),
    ...mapped,
  ];
  return [...new Set(all)].filter((role) => role !== "");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A claim that may be one text, a space or comma separated list, or an array of texts. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return value.split(/[\s,]+/).filter((part) => part !== "");
  return Array.isArray(value) ? value.filter((part) => typeof part === "string") : [];
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
