import { dirname, relative } from "node:path";
import type { Bundle } from "./bundle.ts";
import type { Executable } from "./executables.ts";

/**
 * Writes the script that runs the bundle under its permission set, with the runtime beside it. The
 * folder can be moved as a whole, and the script be linked to from anywhere.
 */
export async function writeLauncher(
  { name, set, flags, through = "", ownFlags = "" }: Executable,
  { main }: Bundle,
  output: string,
): Promise<void> {
  const program = relative(`${dirname(output)}/lib`, main);
  const options = ["--quiet", "--no-prompt", `-P=${set}`, ...flags, ownFlags].filter(Boolean)
    .join(" ");
  const text = `#!/bin/sh
# ${name}: the bundled program under the permission set '${set}' of lib/deno.json.
lib=$(dirname "$(readlink -f "$0")")/lib
export DENO_NO_UPDATE_CHECK=1 DENO_DISABLE_NODE_SHIM=1
[ -n "\${HOME:-}\${DENO_DIR:-}" ] || export DENO_DIR="$lib/cache"
exec ${
    through === "" ? "" : `${through} `
  }"$lib/deno" run ${options} --config="$lib/deno.json" "$lib/${program}" "$@"
`;
  await replaceFile(output, text);
}

/** Writes the way to the runtime that runs this; a package puts the runtime itself in its place. */
export async function writeRuntimeLink(path: string): Promise<void> {
  const quoted = `'${Deno.execPath().replaceAll("'", "'\\''")}'`;
  await replaceFile(path, `#!/bin/sh\nexec ${quoted} "$@"\n`);
}

/** What stands there may be a running executable or a link, which are not to be written through. */
async function replaceFile(path: string, text: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.writeTextFile(path, text, { mode: 0o755 });
}
