import { basename, dirname, join } from "node:path";
import { deno } from "./deno.ts";
import type { Executable } from "./executables.ts";
import { findWorkers } from "./workers.ts";

/** A program as plain JavaScript without imports from outside its folder. */
export interface Bundle {
  /** Path of the first module. */
  readonly main: string;
  /** Paths of the modules that it starts as workers. */
  readonly workers: readonly string[];
}

/**
 * Bundles a program into `folder`. What is imported only when needed stays in files of its own. A
 * worker becomes a bundle of its own too, in `workers/`; in the place where the program looks for
 * it stands a module of one line that imports that bundle.
 */
export async function bundle({ entry }: Executable, folder: string): Promise<Bundle> {
  await removeIfThere(folder);
  await bundleInto(folder, entry);
  const workers: string[] = [];
  for (const { reference, path } of await findWorkers(entry)) {
    const name = basename(reference).replace(/\.ts$/, "");
    await bundleInto(join(folder, "workers", name), path);
    const place = join(folder, reference);
    await Deno.mkdir(dirname(place), { recursive: true });
    await Deno.writeTextFile(place, `import "./workers/${name}/${basename(path, ".ts")}.js";\n`);
    workers.push(place);
  }
  return { main: join(folder, `${basename(entry, ".ts")}.js`), workers };
}

async function bundleInto(folder: string, entry: string): Promise<void> {
  await deno(["bundle", "--quiet", "--code-splitting", `--outdir=${folder}`, entry]);
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
