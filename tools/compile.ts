/**
 * `deno task compile`: makes `dist/pact`, `dist/pact-journal`, `dist/pact-agent` and
 * `dist/pact-mcp`, each with exactly the permission set that deno.json names for it.
 */
import { compileAll, EXECUTABLES } from "./compile/mod.ts";

if (import.meta.main) {
  const baseRuntime = Deno.env.get("DENORT_BIN");
  const { directory, form } = await compileAll(
    "dist",
    baseRuntime === undefined ? {} : { baseRuntime },
  );
  const names = EXECUTABLES.map(({ name }) => name).join(", ");
  console.log(
    form === "standalone"
      ? `${directory}: ${names}`
      : `${directory}: ${names} as launchers of bundled programs, because the base runtime of ` +
        "deno compile cannot be had (set DENORT_BIN to a denort of this version)",
  );
}
