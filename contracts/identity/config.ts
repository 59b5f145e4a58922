/** Settings of the three identity providers (section 8.1), with JSON forms. */
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";

export interface SpireConfig {
  readonly agentSocket: string;
  /** `null` takes whatever identity SPIRE gives. */
  readonly spiffeId: string | null;
  readonly timeoutSeconds: number;
}

export interface SelfSignedConfig {
  readonly signingEndpoint: string;
  readonly certLifetimeSeconds: number;
}

export interface BootstrapConfig {
  readonly certPath: string;
  readonly keyPath: string;
  readonly trustBundlePath: string;
}

export const DEFAULT_SPIRE_CONFIG: SpireConfig = {
  agentSocket: "/run/spire/agent.sock",
  spiffeId: null,
  timeoutSeconds: 30,
};

/** Three days of lifetime. */
export const DEFAULT_SELF_SIGNED_CONFIG: SelfSignedConfig = {
  signingEndpoint: "",
  certLifetimeSeconds: 259_200,
};

/** The JSON form, as `spireConfigFromJson` reads it. */
export function spireConfigToJson(config: SpireConfig): JsonObject {
  return {
    agent_socket: config.agentSocket,
    spiffe_id: config.spiffeId,
    timeout_seconds: config.timeoutSeconds,
  };
}

/** Absent members get their defaults. @throws {JsonError} when one has the wrong type */
export function spireConfigFromJson(value: JsonValue): SpireConfig {
  const reader = new JsonReader(value, "spire");
  const defaults = DEFAULT_SPIRE_CONFIG;
  return {
    agentSocket: reader.textOrNull("agent_socket") ?? defaults.agentSocket,
    spiffeId: reader.textOrNull("spiffe_id"),
    timeoutSeconds: reader.wholeOrNull("timeout_seconds") ?? defaults.timeoutSeconds,
  };
}

/** The JSON form, as `selfSignedConfigFromJson` reads it. */
export function selfSignedConfigToJson(config: SelfSignedConfig): JsonObject {
  return {
    signing_endpoint: config.signingEndpoint,
    cert_lifetime_seconds: config.certLifetimeSeconds,
  };
}

/** Absent members get their defaults. @throws {JsonError} when one has the wrong type */
export function selfSignedConfigFromJson(value: JsonValue): SelfSignedConfig {
  const reader = new JsonReader(value, "self_signed");
  const defaults = DEFAULT_SELF_SIGNED_CONFIG;
  return {
    signingEndpoint: reader.textOrNull("signing_endpoint") ?? defaults.signingEndpoint,
    certLifetimeSeconds: reader.wholeOrNull("cert_lifetime_seconds") ??
      defaults.certLifetimeSeconds,
  };
}

/** The JSON form, as `bootstrapConfigFromJson` reads it. */
export function bootstrapConfigToJson(config: BootstrapConfig): JsonObject {
  return {
    cert_path: config.certPath,
    key_path: config.keyPath,
    trust_bundle_path: config.trustBundlePath,
  };
}

/** @throws {JsonError} when a path is missing */
export function bootstrapConfigFromJson(value: JsonValue): BootstrapConfig {
  const reader = new JsonReader(value, "bootstrap");
  return {
    certPath: reader.text("cert_path"),
    keyPath: reader.text("key_path"),
    trustBundlePath: reader.text("trust_bundle_path"),
  };
}
