import { EXIT, Failure } from "../failure/mod.ts";

/** A way to log in. */
export type Flow = "pkce" | "confidential" | "device" | "manual" | "service";

/** What the choice rests on. */
export interface FlowFacts {
  /** What the person asked for. */
  readonly forced: "device" | "manual" | "service" | undefined;
  /** Whether a browser can be opened here, or the person says to open the address themselves. */
  readonly hasBrowser: boolean;
  readonly hasClientSecret: boolean;
  readonly canPkce: boolean;
  readonly hasAuthorizationEndpoint: boolean;
  readonly hasDeviceEndpoint: boolean;
}

/**
 * The first flow that the provider and the place where the person sits allow (CLI-25, Auth8).
 *
 * @throws {Failure} exit 2 when there is none, or not the one that was asked for.
 */
export function chooseFlow(facts: FlowFacts): Flow {
  const { forced, hasBrowser, hasAuthorizationEndpoint, hasDeviceEndpoint } = facts;
  if (forced === "service") return "service";
  if (forced === "device") {
    if (hasDeviceEndpoint) return "device";
    throw noFlow("the identity provider does not offer device codes");
  }
  const canRedirect = hasBrowser && hasAuthorizationEndpoint && forced === undefined;
  if (canRedirect && facts.canPkce) return "pkce";
  if (canRedirect && facts.hasClientSecret) return "confidential";
  if (hasDeviceEndpoint && forced === undefined) return "device";
  if (hasAuthorizationEndpoint) return "manual";
  throw noFlow("the identity provider has neither an authorization nor a device endpoint");
}

function noFlow(reason: string): Failure {
  return new Failure(
    "NOT_CONFIGURED",
    "no compatible authentication flow is available",
    EXIT.refused,
    [reason],
  );
}
