import { PactError } from "../../common/errors/mod.ts";
import type { Identity } from "../../common/model/mod.ts";
import type { AccessRequest, Caller } from "../access/mod.ts";
import type { ServiceContext } from "./context.ts";

/** Whether a body leaves open who asks, as clients may. */
export function isBlank({ principal, role }: Identity): boolean {
  return principal === "" && role === "";
}

/** Whether a body names somebody whom the credential does not speak for. */
export function isSomebodyElse({ principal }: Caller, stated: Identity): boolean {
  if (isBlank(stated)) return false;
  return stated.principal !== principal.principal || !principal.roles.includes(stated.role);
}

/**
 * Refuses a body that names someone else than the credential; it is not corrected (API-4).
 *
 * @throws {PactError} IDENTITY_MISMATCH, audited.
 */
export async function requireSameIdentity(
  { gatekeeper }: ServiceContext,
  caller: Caller,
  { action, scope }: Pick<AccessRequest, "action" | "scope">,
  stated: Identity | undefined,
): Promise<void> {
  if (stated === undefined || !isSomebodyElse(caller, stated)) return;
  const { principal } = caller.principal;
  await gatekeeper.refuse(
    { caller, action, scope },
    new PactError(
      "IDENTITY_MISMATCH",
      `IDENTITY_MISMATCH: the request names ${stated.principal} as ${stated.role}, the credential is of ${principal}`,
    ),
  );
}
