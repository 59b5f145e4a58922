/**
 * The identity provider as a client sees it: its metadata, and the requests to its endpoints. Loading
 * `client.ts` loads the OpenID library, so that only a login, a renewal or a logout does it.
 *
 * @module
 */
export { type Provider, ProviderCache, type ProviderMetadata } from "./provider.ts";
export {
  type ClientSettings,
  type Grant,
  grantOf,
  openProviderClient,
  type ProviderClient,
} from "./client.ts";
export { loginOf } from "./login_of.ts";
export { renew, type Renewal } from "./renew.ts";
export { isChanged, isUnreachable, oauthFailure } from "./oauth_failure.ts";
