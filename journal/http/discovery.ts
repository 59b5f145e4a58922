/** What `/auth/discovery` tells a client that wants to log in (CLI-23). */
export interface Discovery {
  readonly idp_url: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
}

/** The settings that say where people log in. */
export interface DiscoverySettings {
  readonly idpUrl?: string | undefined;
  readonly oidcIssuer?: string | undefined;
  readonly clientId: string;
}

/** Where people log in: at the named provider, else at the issuer; undefined where neither is known. */
export function discoveryOf(settings: DiscoverySettings): Discovery | undefined {
  const idp_url = settings.idpUrl ?? settings.oidcIssuer;
  return idp_url === undefined
    ? undefined
    : { idp_url, client_id: settings.clientId, scopes: ["openid", "profile"] };
}

/** `/auth/discovery` for the API listener, the only one that clients know (TEL-1). */
export function discoveryRoutes(discovery: () => Discovery | undefined) {
  return {
    "/auth/discovery": () => {
      const known = discovery();
      return {
        status: known === undefined ? 404 : 200,
        contentType: "application/json",
        body: JSON.stringify(known ?? { error: "no identity provider configured" }),
      };
    },
  };
}
