import { join } from "node:path";
import { run } from "./run.ts";

/** Where a node's programs keep the code that the runtime has compiled. */
export const CODE_CACHE = "usr/lib/pact/deno";

const WARM = join(import.meta.dirname ?? ".", "files", "warm");

/** Mount points that warming leaves behind. */
const LEFT_OVER = ["proc", "dev", "lib", "lib64", "bin"];

/** Enough for the agent to read its configuration, its worker with it, and to end. */
const CONFIG = '[agent]\nnode_id = "warm"\n[agent.journal]\nendpoints = ["https://127.0.0.1:1"]\n';

/** What is run; twice, for the first run finds out what is worth keeping. */
const COMMANDS = [
  "pact-agent --check-config --config /etc/pact/agent.toml",
  "pact-agent --check-config --config /etc/pact/agent.toml",
].map((command) => `/opt/pact/bin/${command} >/dev/null`).join(" && ");

/**
 * Fills {@link CODE_CACHE} of a node's tree: the runtime then starts a program without compiling it,
 * which under emulation takes longer than all else. Needs root, or unprivileged user namespaces.
 */
export async function warmCodeCache(tree: string): Promise<void> {
  const config = join(tree, "etc/pact/agent.toml");
  const ca = join(tree, "etc/pact/ca.crt");
  await Deno.writeTextFile(config, CONFIG);
  await Deno.writeTextFile(ca, "-----BEGIN CERTIFICATE-----\n");
  const asRoot = Deno.uid() === 0 ? [] : ["--map-root-user"];
  await run("unshare", [...asRoot, "--mount", "sh", WARM, tree, CODE_CACHE, COMMANDS]);
  for (const path of [config, ca]) await Deno.remove(path);
  for (const path of LEFT_OVER) await Deno.remove(join(tree, path));
}
