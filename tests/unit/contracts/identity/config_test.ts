import assert from "node:assert/strict";
import {
  bootstrapConfigFromJson,
  bootstrapConfigToJson,
  DEFAULT_SELF_SIGNED_CONFIG,
  DEFAULT_SPIRE_CONFIG,
  JsonError,
  selfSignedConfigFromJson,
  selfSignedConfigToJson,
  spireConfigFromJson,
  spireConfigToJson,
} from "../../../../contracts/mod.ts";

Deno.test("section 8.1, ACC-N3: SPIRE settings in JSON, defaults included", () => {
  const golden = { agent_socket: "/run/spire/agent.sock", spiffe_id: null, timeout_seconds: 30 };
  assert.deepEqual(spireConfigToJson(DEFAULT_SPIRE_CONFIG), golden);
  assert.deepEqual(spireConfigFromJson(golden), DEFAULT_SPIRE_CONFIG);
  assert.deepEqual(spireConfigFromJson({}), DEFAULT_SPIRE_CONFIG);
});

Deno.test("section 8.1, ACC-N3: self-signed settings in JSON, three days by default", () => {
  const golden = { signing_endpoint: "", cert_lifetime_seconds: 259200 };
  assert.deepEqual(selfSignedConfigToJson(DEFAULT_SELF_SIGNED_CONFIG), golden);
  assert.deepEqual(selfSignedConfigFromJson(golden), DEFAULT_SELF_SIGNED_CONFIG);
  assert.deepEqual(
    selfSignedConfigFromJson({ signing_endpoint: null }),
    DEFAULT_SELF_SIGNED_CONFIG,
  );
});

Deno.test("section 8.1, ACC-N3: bootstrap settings in JSON have no defaults", () => {
  const config = { certPath: "/b/crt", keyPath: "/b/key", trustBundlePath: "/b/ca" };
  const golden = { cert_path: "/b/crt", key_path: "/b/key", trust_bundle_path: "/b/ca" };
  assert.deepEqual(bootstrapConfigToJson(config), golden);
  assert.deepEqual(bootstrapConfigFromJson(golden), config);
  assert.throws(() => bootstrapConfigFromJson({ cert_path: "/b/crt" }), JsonError);
});
