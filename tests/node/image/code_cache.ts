import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
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
  await settle(join(tree, CODE_CACHE));
  for (const path of [config, ca]) await Deno.remove(path);
  for (const path of LEFT_OVER) await Deno.remove(join(tree, path));
}

/**
 * Moves what stands in the databases' logs into the databases themselves: a node's first look copies the
 * files into its memory, and the logs hold the same again. Empty ones stay, without which nothing can be
 * read where nothing can be written.
 */
async function settle(directory: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  for (const name of names.filter((name) => names.includes(`${name}-wal`))) {
    const path = join(directory, name);
    const kept = await Deno.makeTempDir();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    for (const suffix of ["-wal", "-shm"]) {
      await Deno.copyFile(`${path}${suffix}`, join(kept, suffix));
    }
    database.close();
    for (const suffix of ["-wal", "-shm"]) {
      await Deno.copyFile(join(kept, suffix), `${path}${suffix}`);
    }
    await Deno.remove(kept, { recursive: true });
  }
}
