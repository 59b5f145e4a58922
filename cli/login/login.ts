import { documentFetch } from "../../common/fetch/mod.ts";
import { configDirectory, type Settings } from "../config/mod.ts";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import {
  type Grant,
  isChanged,
  loginOf,
  oauthFailure,
  openProviderClient,
  type Provider,
  ProviderCache,
} from "../oauth/mod.ts";
import type { Output } from "../output/mod.ts";
import type { CachedLogin } from "../tokens/mod.ts";
import { chooseFlow, type Flow, type FlowFacts } from "./choose_flow.ts";
import { codeFlow } from "./code_flow.ts";
import type { Conversation } from "./conversation.ts";
import { deviceFlow } from "./device_flow.ts";
import { findIdentityProvider, type IdentityProvider } from "./identity_provider.ts";
import { manualFlow } from "./manual_flow.ts";
import { scopesToAsk } from "./scopes.ts";
import { serviceFlow } from "./service_flow.ts";

/** Largest answer about a provider, in bytes. */
const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** How a person wants to log in. */
export interface LoginRequest {
  readonly server: string;
  readonly forced: FlowFacts["forced"];
  readonly opensBrowser: boolean;
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
}

/** What a login works with. */
export interface LoginSurroundings {
  readonly host: Host;
  readonly out: Output;
  readonly settings: Settings;
  /** Certificates to trust beside the runtime's own, PEM. */
  readonly caPem: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Logs in to a server by its identity provider and resolves to what the cache is to keep.
 *
 * @throws {Failure} exit 1 for what is missing or wrong here, exit 2 when the provider refuses.
 */
export async function logIn(
  request: LoginRequest,
  surroundings: LoginSurroundings,
): Promise<CachedLogin> {
  const { host, settings, caPem, signal, out } = surroundings;
  const directory = configDirectory(host);
  if (directory === undefined) throw usageFailure("neither HOME nor XDG_CONFIG_HOME is set");
  using fetch = documentFetch({
    timeoutMs: settings.authTimeout * 1000,
    maxBytes: MAX_DOCUMENT_BYTES,
    allowInsecure: settings.allowPlaintext,
    caPem,
  });
  const named = await findIdentityProvider(request.server, request, settings, fetch, signal);
  const providers = new ProviderCache(directory, host, fetch, settings.allowPlaintext);
  const provider = await providers.find(named.issuer, signal);
  if (provider.from === "stale copy") {
    await out.note(
      "Warning: the identity provider does not answer, an old copy of its metadata is used",
    );
  }
  try {
    return await runFlow(request, surroundings, named, provider);
  } catch (error) {
    if (signal.aborted) throw new Failure("INTERRUPTED", "interrupted", EXIT.interrupted, []);
    if (provider.from !== "provider" && isChanged(error)) {
      await providers.forget(named.issuer);
      await out.note("IdP configuration may have changed — retry when the IdP is reachable");
    }
    throw oauthFailure(error, "authentication failed");
  }
}

async function runFlow(
  request: LoginRequest,
  { host, out, settings, caPem, signal }: LoginSurroundings,
  named: IdentityProvider,
  { metadata }: Provider,
): Promise<CachedLogin> {
  const isService = request.forced === "service";
  const { clientId, clientSecret } = isService
    ? serviceClient(settings)
    : { clientId: named.clientId, clientSecret: secretFor(settings, named.clientId) };
  const flow = chooseFlow({
    forced: request.forced,
    hasBrowser: !request.opensBrowser || host.hasBrowser(),
    hasClientSecret: clientSecret !== undefined,
    canPkce: metadata.code_challenge_methods_supported?.includes("S256") === true,
    hasAuthorizationEndpoint: metadata.authorization_endpoint !== undefined,
    hasDeviceEndpoint: metadata.device_authorization_endpoint !== undefined,
  });
  using client = await openProviderClient(metadata, {
    clientId,
    clientSecret,
    caPem,
    allowInsecure: settings.allowPlaintext,
    timeoutSeconds: settings.authTimeout,
  });
  const scopes = scopesToAsk(named.scopes, metadata.scopes_supported);
  const talk: Conversation = { host, out, client, metadata, scopes, signal };
  const grant = await FLOWS[flow](talk, request);
  return loginOf(grant, metadata, clientId, scopes, host.clock.nowMs());
}

const FLOWS: Readonly<
  Record<Flow, (talk: Conversation, request: LoginRequest) => Promise<Grant>>
> = {
  pkce: (talk, { opensBrowser }) => codeFlow(talk, opensBrowser),
  confidential: (talk, { opensBrowser }) => codeFlow(talk, opensBrowser),
  device: deviceFlow,
  manual: manualFlow,
  service: serviceFlow,
};

/** @throws {Failure} exit 1 when the environment and the file lack one of them (CLI-29). */
function serviceClient(settings: Settings): { clientId: string; clientSecret: string } {
  const clientId = settings.serviceClientId ?? settings.clientId;
  const { clientSecret } = settings;
  if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret };
  throw new Failure(
    "NOT_CONFIGURED",
    "a service account needs PACT_CLIENT_ID and PACT_CLIENT_SECRET",
    EXIT.general,
    ["or client_id and client_secret in the [auth] table of a configuration file of mode 0600"],
  );
}

/** The secret of the person's own client, which is none but where the configuration names both. */
function secretFor(settings: Settings, clientId: string): string | undefined {
  return settings.clientId === clientId ? settings.clientSecret : undefined;
}
