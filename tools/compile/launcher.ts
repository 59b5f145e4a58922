import { dirname, relative } from "node:path";
import type { Bundle } from "./bundle.ts";
import type { Executable } from "./executables.ts";

/**
 * Writes the script that runs the bundle under its permission set, with the runtime beside it. The
 * folder can be moved as a whole, and the script be linked to from anywhere.
 */
export async function writeLauncher(
  { name, set, flags }: Executable,
  { main }: Bundle,
  output: string,
): Promise<void> {
  const program = relative(`${dirname(output)}/lib`, main);
  const options = ["--quiet", "--no-prompt", `-P=${set}`, ...flags].join(" ");
  const text = `#!/bin/sh
# ${name}: the bundled program under the permission set '${set}' of lib/deno.json.
lib=$(dirname "$(readlink -f "$0")")/lib
export DENO_NO_UPDATE_CHECK=1 DENO_DISABLE_NODE_SHIM=1
[ -n "\${HOME:-}\${DENO_DIR:-}" ] || export DENO_DIR="$lib/cache"
exec "$lib/deno" run ${options} --config="$lib/deno.json" "$lib/${program}" "$@"
`;
  await replaceFile(output, (path) => Deno.writeTextFile(path, text, { mode: 0o755 }));
}

/** Puts the runtime that runs this beside the bundles; a package replaces the link by the file. */
export async function linkRuntime(path: string): Promise<void> {
  await replaceFile(path, (place) => Deno.symlink(Deno.execPath(), place));
}

/** What stands there may be a running executable or a link, which are not to be written through. */
async function replaceFile(path: string, write: (path: string) => Promise<void>): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await write(path);
}
