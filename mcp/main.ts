/**
 * pact-mcp: pact's tools for AI assistants, over standard input and output. Nothing but protocol
 * goes to standard output; log lines go to standard error.
 */
import { ConfigError } from "../common/config/mod.ts";
import { createLogger } from "../common/log/mod.ts";
import { EndpointError } from "../common/rpc/mod.ts";
import { readSettings } from "./config/mod.ts";
import { serveMcp } from "./serve.ts";
import { usageText, versionText } from "./usage.ts";

if (import.meta.main) {
  const [option] = Deno.args;
  if (option === "--version" || option === "--help") {
    console.log(option === "--version" ? versionText : usageText);
    Deno.exit(0);
  }
  try {
    const settings = readSettings((name) => Deno.env.get(name), Deno.args);
    const log = createLogger({
      component: "mcp",
      level: settings.logLevel,
      format: "text",
      nowMs: Date.now,
      write: (line) => console.error(line),
    });
    await serveMcp(settings, { input: Deno.stdin.readable, write: writeAll }, log);
    Deno.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof EndpointError)) throw error;
    console.error(`Error: ${error.message}`);
    Deno.exit(1);
  }
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) offset += await Deno.stdout.write(bytes.subarray(offset));
}
