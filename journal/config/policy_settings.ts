import { z } from "zod";
import {
  AbsolutePathSchema,
  ConfigError,
  type SettingValues,
  textSetting,
} from "../../common/config/mod.ts";
import { isLoopback } from "../../common/rpc/mod.ts";

/** Base address of an OPA server; what clients of its data API append is taken off (OPA-1). */
const OpaEndpointSchema = z.string().transform((text, context): URL => {
  const url = URL.parse(text.replace(/\/v1\/data(\/pact)?\/?$/, ""));
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === null || !isHttp || url.search !== "" || url.hash !== "" || url.username !== "") {
    context.addIssue({ code: "custom", message: `'${text}' is not http://HOST:PORT` });
    return z.NEVER;
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
});

/** What restricts what roles allow: nothing, an OPA server, or Rego evaluated inside the journal. */
const PolicyEngineSchema = z.enum(["rbac", "opa", "embedded"]);

/** Name of a policy engine; `rbac` stands for none. */
export type PolicyEngineType = z.infer<typeof PolicyEngineSchema>;

/** Which engine restricts what roles allow, and where its rules are (OPA-1). */
export const POLICY_SETTINGS = {
  policyEngine: textSetting(
    { key: "policy.engine.type" },
    PolicyEngineSchema.optional(),
  ),
  opaEndpoint: textSetting(
    { key: "policy.engine.opa_endpoint" },
    OpaEndpointSchema.prefault("http://localhost:8181/v1/data/pact"),
  ),
  allowRemoteOpa: textSetting(
    { key: "policy.engine.allow_remote_opa" },
    z.boolean().default(false),
  ),
  policyBundle: textSetting({ key: "policy.engine.bundle" }, AbsolutePathSchema.optional()),
  bindsPlatformAdmin: textSetting(
    { key: "policy.engine.bind_platform_admin" },
    z.boolean().default(false),
  ),
} as const;

type Resolved = SettingValues<typeof POLICY_SETTINGS>;

/** The engine that is named; else the embedded one where the site has rules for it, and none without. */
export function policyEngineOf(
  { policyEngine, policyBundle }: Pick<Resolved, "policyEngine" | "policyBundle">,
): PolicyEngineType {
  return policyEngine ?? (policyBundle === undefined ? "rbac" : "embedded");
}

/**
 * Whether the engine's settings fit together; what is merely without effect is returned.
 *
 * @throws {ConfigError} for a server that is not on this machine, unless that was asked for.
 */
export function checkPolicyEngine(settings: Resolved): string[] {
  const { opaEndpoint, allowRemoteOpa, policyBundle } = settings;
  const policyEngine = policyEngineOf(settings);
  const warnings: string[] = [];
  if (policyEngine !== "embedded" && policyBundle !== undefined) {
    warnings.push(`policy.engine.bundle has no effect: policy.engine.type is "${policyEngine}"`);
  }
  if (policyEngine !== "opa" || isLoopback(opaEndpoint.hostname)) return warnings;
  if (!allowRemoteOpa) {
    throw new ConfigError(
      `policy.engine.opa_endpoint: ${opaEndpoint.host} is not this machine: run OPA beside the ` +
        "journal, or set policy.engine.allow_remote_opa = true (OPA-1)",
    );
  }
  if (opaEndpoint.protocol === "http:") {
    warnings.push("OPA is asked in cleartext beyond loopback: whoever is between decides (OPA-1)");
  }
  return warnings;
}
