import { z } from "zod";

const PermissionsSchema = z.record(
  z.string(),
  z.union([z.boolean(), z.array(z.string())]),
);

const ConfigSchema = z.object({ permissions: z.record(z.string(), PermissionsSchema) });

/** A permission set as deno.json writes it: by kind, `true` or the list of what is granted. */
export type PermissionSet = z.infer<typeof PermissionsSchema>;

/** The permission sets of a configuration file, by name. */
export async function readPermissionSets(path: string): Promise<Record<string, PermissionSet>> {
  return ConfigSchema.parse(JSON.parse(await Deno.readTextFile(path))).permissions;
}

/**
 * Writes the configuration that the executables run under: the sets of the project's own, word for
 * word. A relative path in a set means a folder beside this file, where the bundles are.
 */
export async function writeConfig(path: string, names: readonly string[]): Promise<void> {
  const sets = await readPermissionSets("deno.json");
  const permissions = Object.fromEntries(names.map((name) => {
    const set = sets[name];
    if (set === undefined) throw new Error(`deno.json names no permission set '${name}'`);
    return [name, set];
  }));
  await Deno.writeTextFile(
    path,
    `${JSON.stringify({ nodeModulesDir: "none", permissions }, null, 2)}\n`,
  );
}
