/**
 * Loads modules with what they need, each once. It owns nothing; a load that hangs in the kernel is
 * left behind after its limit.
 */

import type { Clock } from "../../common/clock/mod.ts";
import { isShimError, type Modules } from "../../ffi/mod.ts";
import type { ModuleFile, ModuleIndex } from "./module_index.ts";

/** Longest wait for one module (CLD-1). */
const MODULE_LIMIT_MS = 5_000;
/** Modules that are loaded at the same time; each holds a thread while it waits. */
const MAX_PARALLEL = 4;

/** What became of modules. */
export interface LoadReport {
  /** Modules that are there now and were not before. */
  readonly loaded: readonly string[];
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  /** Modules that looked at the machine and found nothing to do. */
  readonly unused: readonly string[];
}

/** What the loader works with. */
export interface ModuleLoaderOptions {
  readonly modules: Pick<Modules, "load">;
  readonly index: ModuleIndex;
  /** Where the kernel's modules lie. */
  readonly directory: string;
  readonly clock: Clock;
}

type Outcome = { readonly isNew: boolean } | { readonly reason: string } | "unused";

/** A report that is being put together. */
interface Collected {
  readonly loaded: string[];
  readonly failed: { name: string; reason: string }[];
  readonly unused: string[];
}

/** Loads modules by name. */
export class ModuleLoader {
  readonly #outcomes = new Map<string, Promise<Outcome>>();

  constructor(private readonly options: ModuleLoaderOptions) {}

  /** The index it loads by. */
  get index(): ModuleIndex {
    return this.options.index;
  }

  /** Loads these and what they need; reports what was tried now. */
  async load(names: Iterable<string>): Promise<LoadReport> {
    const report: Collected = { loaded: [], failed: [], unused: [] };
    const queue = [...new Set(names)].filter((name) => !this.#outcomes.has(name));
    const worker = async () => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        await this.#loadChain(name, report);
      }
    };
    await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
    return report;
  }

  async #loadChain(
    name: string,
    report: Collected,
  ): Promise<void> {
    const chain = this.options.index.chainOf(name);
    if (chain === undefined) {
      report.failed.push({ name, reason: "this kernel has no such module" });
      return;
    }
    for (const file of chain) {
      const isFirst = !this.#outcomes.has(file.name);
      const outcome = await this.#once(file);
      if (!isFirst) continue;
      if (outcome === "unused") report.unused.push(file.name);
      else if ("reason" in outcome) report.failed.push({ name: file.name, reason: outcome.reason });
      else if (outcome.isNew) report.loaded.push(file.name);
    }
  }

  #once(file: ModuleFile): Promise<Outcome> {
    const known = this.#outcomes.get(file.name);
    if (known !== undefined) return known;
    const outcome = this.#try(file);
    this.#outcomes.set(file.name, outcome);
    return outcome;
  }

  async #try({ path, parameters }: ModuleFile): Promise<Outcome> {
    const { modules, directory, clock } = this.options;
    const full = path.startsWith("/") ? path : `${directory}/${path}`;
    const late = Promise.withResolvers<Outcome>();
    const timer = clock.setTimer(
      MODULE_LIMIT_MS,
      () => late.resolve({ reason: "not loaded within 5 s" }),
    );
    try {
      const loaded = modules.load(full, parameters).then(() => ({ isNew: true }));
      return await Promise.race([loaded, late.promise]);
    } catch (error) {
      if (isShimError(error, "EEXIST")) return { isNew: false };
      if (isShimError(error, "ENODEV")) return "unused";
      return { reason: error instanceof Error ? error.message : String(error) };
    } finally {
      clock.clearTimer(timer);
    }
  }
}
