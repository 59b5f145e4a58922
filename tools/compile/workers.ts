import { dirname, join } from "node:path";
import { z } from "zod";
import { deno } from "./deno.ts";

/** A module that a program starts as a worker. */
export interface WorkerModule {
  /** As the program names it, beginning with `./`: it is looked for beside the bundle. */
  readonly reference: string;
  /** Path of its source. */
  readonly path: string;
}

const ModuleGraphSchema = z.object({
  modules: z.array(z.object({ local: z.string().nullable().optional() })),
});

const workerReference =
  /new\s+Worker\(\s*new\s+URL\(\s*"(\.\/[\w./-]+)"\s*,\s*import\.meta\.url\s*\)/g;

/**
 * The workers that a program starts, its workers' own included.
 *
 * @throws {Error} when two of them have the same name: beside one bundle there is room for one.
 */
export async function findWorkers(entry: string): Promise<WorkerModule[]> {
  const found = new Map<string, WorkerModule>();
  const entries = [entry];
  // The list holds each worker once, so it ends with the program's last worker.
  for (const module of entries) {
    for (const worker of await workersIn(module)) {
      const known = found.get(worker.reference);
      if (known !== undefined && known.path !== worker.path) {
        throw new Error(`${known.path} and ${worker.path} are both started as ${worker.reference}`);
      }
      if (known === undefined) entries.push(worker.path);
      found.set(worker.reference, worker);
    }
  }
  return [...found.values()];
}

async function workersIn(entry: string): Promise<WorkerModule[]> {
  const graph = ModuleGraphSchema.parse(JSON.parse(await deno(["info", "--json", entry])));
  const sources = graph.modules.flatMap(({ local }) => local?.endsWith(".ts") ? [local] : []);
  const workers = await Promise.all(sources.map(async (source) => {
    const text = await Deno.readTextFile(source);
    return [...text.matchAll(workerReference)].map(([, reference = ""]) => ({
      reference,
      path: join(dirname(source), reference),
    }));
  }));
  return workers.flat();
}
