import type { JWTPayload } from "jose";
import { isMachineRole, type Principal } from "../authz/mod.ts";

/** How claims become a principal (AUT-10). */
export interface ClaimSettings {
  /** Claim that names the principal; `sub` by default. */
  readonly principalClaim: string;
  /** Client whose `resource_access` roles count. */
  readonly clientId?: string | undefined;
  /** Principal, email or group to an added role, for providers that cannot emit claims. */
  readonly roleMap: Readonly<Record<string, string>>;
}

/** Claims that no principal can be made of. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
}

/** Most roles one token may carry; more is an attack or a mistake. */
const MAX_ROLES = 100;

/**
 * The principal that verified claims describe (AUT-10, ROL-3).
 *
 * @throws {ClaimError} when `sub` is empty or the principal type is unknown.
 */
export function principalOf(claims: JWTPayload, settings: ClaimSettings): Principal {
  if (typeof claims.sub !== "string" || claims.sub === "") throw new ClaimError("sub missing");
  const named = claims[settings.principalClaim];
  const principal = typeof named === "string" && named !== "" ? named : claims.sub;
  const roles = rolesOf(claims, principal, settings).slice(0, MAX_ROLES);
  return { principal, principalType: principalType(claims, roles), roles };
}

function principalType(claims: JWTPayload, roles: readonly string[]): Principal["principalType"] {
  if (roles.some(isMachineRole)) return "Service";
  const stated = claims["pact_principal_type"];
  if (stated === "agent") return "Agent";
  if (stated === "service") return "Service";
  if (stated === "human") return "Human";
  if (stated !== undefined) throw new ClaimError("unknown pact_principal_type");
  return claims["gty"] === "client-credentials" ? "Service" : "Human";
}

function rolesOf(claims: JWTPayload, principal: string, settings: ClaimSettings): string[] {
  const groups = texts(claims["groups"]).map((group) => group.replace(/^\//, ""));
  const nested = [
    member(claims["realm_access"], "roles"),
    member(member(claims["resource_access"], settings.clientId ?? ""), "roles"),
  ].flatMap(texts);
  const email = typeof claims["email"] === "string" ? [claims["email"]] : [];
  const mapped = [principal, ...email, ...groups].flatMap((name) =>
    Object.hasOwn(settings.roleMap, name) ? [settings.roleMap[name] ?? ""] : []
  );
  const all = [
    ...texts(claims["pact_role"]),
    ...[...groups, ...nested].filter((name) => name.startsWith("pact-")),
    ...mapped,
  ];
  return [...new Set(all)].filter((role) => role !== "");
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
