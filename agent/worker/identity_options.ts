import type { agentport } from "../../api/mod.ts";
import { DEFAULT_SPIRE_SOCKET } from "../../common/spiffe/mod.ts";
import type { AgentSettings } from "../config/mod.ts";
import type { LinkOptions } from "../link/mod.ts";

/** Where the node's identities come from, as configured (SPI-1). */
export function identityOptions(
  settings: AgentSettings,
  { files }: Pick<agentport.Configure, "files">,
): Pick<LinkOptions, "spire" | "bootstrap" | "isStatic" | "identityTimeoutMs"> {
  const { identityProvider, spireSocket, root = "", tlsCert, tlsKey } = settings;
  const text = new TextDecoder();
  const asksSpire = identityProvider === "auto" || identityProvider === "spire";
  return {
    isStatic: identityProvider === "static",
    identityTimeoutMs: settings.identityTimeoutSeconds * 1_000,
    ...(!asksSpire || !settings.isTlsEnabled ? {} : {
      spire: {
        socketPath: spireSocket ?? `${root}${DEFAULT_SPIRE_SOCKET}`,
        spiffeId: settings.spiffeId,
        retryMs: settings.spireRetrySeconds * 1_000,
        federatesWith: settings.federatesWith,
        isOptional: identityProvider === "auto" && spireSocket === undefined,
      },
    }),
    ...(tlsCert === undefined || tlsKey === undefined || identityProvider === "self_signed" ? {} : {
      bootstrap: {
        certPem: text.decode(files[tlsCert] ?? new Uint8Array()),
        keyPem: text.decode(files[tlsKey] ?? new Uint8Array()),
      },
    }),
  };
}
