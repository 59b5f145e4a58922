import { join } from "node:path";
import { stringify } from "smol-toml";
import { packInitramfs } from "../image/mod.ts";
import type { Authority } from "./authority.ts";

/** The first program of a node. */
export type Profile = "pact" | "systemd";

/** Where the guest reaches this machine's loopback. */
export const HOST_FROM_GUEST = "10.0.2.2";

/** The agent's log on the serial line, where systemd would keep it. */
const UNIT_EXTRA = "[Service]\nStandardOutput=journal+console\nStandardError=journal+console\n";

/** Files by their path in the root file system: texts, programs as bytes, and empty ones of a time. */
export type SiteFiles = Readonly<Record<string, string | Uint8Array | Date>>;

/** Settings below [agent.observer]. */
export type ObserverSettings = Readonly<Record<string, boolean>>;

/** agent.toml of every node: whoever it is, its host name says. */
function agentToml(journalPort: number, observer: ObserverSettings): string {
  return stringify({
    agent: {
      enforcement_mode: "enforce",
      journal: {
        endpoints: [`https://${HOST_FROM_GUEST}:${journalPort}`],
        tls_ca: "/etc/pact/ca.crt",
      },
      enrollment: { retry_seconds: 1 },
      shell: { auth: { hmac_secret_file: "/etc/pact/token_secret" } },
      commit_window: { base_window_seconds: 60 },
      drift: { settle_ms: 200 },
      observer: { scan_idle_seconds: 1, scan_active_seconds: 1, ...observer },
    },
  });
}

/** What differs from the site that all tests have. */
export interface SiteOptions {
  readonly files?: SiteFiles;
  readonly observer?: ObserverSettings;
}

/** What a site adds to the image: its certificate, its configuration. Answers the text of it too. */
export async function makeSiteArchive(
  authority: Authority,
  { files = {}, observer = {} }: SiteOptions,
  output: string,
): Promise<string> {
  const contents: Record<string, string | Uint8Array | Date> = {
    "etc/pact/agent.toml": agentToml(authority.journalPort, observer),
    "etc/pact/ca.crt": await Deno.readTextFile(authority.caCert),
    "etc/pact/token_secret": await Deno.readTextFile(authority.secretFile),
    "etc/systemd/system/pact-agent.service.d/console.conf": UNIT_EXTRA,
    ...files,
  };
  const tree = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(contents)) {
      const target = join(tree, "site", path);
      await Deno.mkdir(join(target, ".."), { recursive: true });
      if (content instanceof Date) {
        await Deno.writeTextFile(target, "");
        await Deno.utime(target, content, content);
      } else if (typeof content !== "string") {
        await Deno.writeFile(target, content, { mode: 0o755 });
      } else {
        const mode = path.endsWith("secret") ? 0o600 : 0o644;
        await Deno.writeTextFile(target, content, { mode });
      }
    }
    await packInitramfs(tree, output);
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  return JSON.stringify(contents);
}
