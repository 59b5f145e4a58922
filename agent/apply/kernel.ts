import { type Files, isShimError } from "../../ffi/mod.ts";
import type { ModuleControl } from "../hardware/mod.ts";
import type { Difference, Observation, Target } from "../drift/mod.ts";
import {
  type Availability,
  type ByKey,
  captureActual,
  differenceOf,
  type Dimension,
  done,
  failed,
  type Operation,
  type Outcome,
  unavailable,
} from "./provider.ts";
import { isRefusal, reasonOf, underRoot } from "./root.ts";
import { normaliseSysctl, sysctlPath, whyNotWritable } from "./sysctl_key.ts";

const MAX_VALUE_BYTES = 64 * 1024;
const MODULES_UNSUPPORTED = "kernel modules are not managed in this profile";
const MODULE_PREFIX = "module:";
/** What a declared module is. */
const LOADED = "loaded";

/** What the kernel dimension stands on. */
export interface KernelOptions {
  readonly files: Files;
  /** `/` on a node. Below any other root only a tree that exists there is used (PATH-23). */
  readonly root: string;
  /** Absent where no modules can be loaded. */
  readonly modules?: Pick<ModuleControl, "isLoaded" | "load">;
}

/**
 * Kernel parameters below /proc/sys (APL-4): written in one call, read back with blanks evened out.
 * A parameter that may not be written is unavailable: no drift, and not applied either. Modules are
 * the keys `module:NAME`; one that is no longer declared stays loaded.
 */
export function kernelDimension(options: KernelOptions): Dimension {
  return new KernelDimension(options);
}

class KernelDimension implements Dimension {
  readonly category = "kernel";
  readonly #files: Files;
  readonly #tree: string;
  readonly #isNode: boolean;
  readonly #modules: KernelOptions["modules"];

  constructor({ files, root, modules }: KernelOptions) {
    this.#modules = modules;
    this.#files = files;
    this.#tree = underRoot(root, "/proc/sys");
    this.#isNode = root === "/" || root === "";
  }

  /** A prefix without a tree must not reach through to the kernel of the machine it lies on. */
  availability(): Availability {
    if (this.#isNode || this.#files.lstatIfPresent(this.#tree)?.type === "directory") {
      return { available: true };
    }
    return { available: false, reason: `no kernel parameters below the root prefix` };
  }

  observe(keys: Iterable<string>): Promise<ByKey<Observation>> {
    const availability = this.availability();
    const observe = (key: string): Observation =>
      availability.available
        ? this.#observe(key)
        : { state: "unavailable", reason: availability.reason };
    return Promise.resolve(new Map(Array.from(keys, (key) => [key, observe(key)])));
  }

  diff(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]> {
    const differences: Difference[] = [];
    for (const [key, target] of targets) {
      const actual = observed.get(key);
      if (actual === undefined || actual.state === "unavailable") continue;
      if (!isSame(target, actual)) differences.push(differenceOf("kernel", key, target, actual));
    }
    return Promise.resolve(differences);
  }

  async apply(operations: readonly Operation[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const operation of operations) {
      const isModule = operation.key.startsWith(MODULE_PREFIX);
      outcomes.push(isModule ? await this.#load(operation) : this.#bringAbout(operation));
    }
    return outcomes;
  }

  revert(operations: readonly Operation[]): Promise<Outcome[]> {
    return this.apply(operations);
  }

  /** A parameter always has a value: what it was before, where that is known, else what it is. */
  release(
    operations: readonly { key: string; original: Target | undefined }[],
  ): Promise<Outcome[]> {
    return Promise.resolve(
      operations.map(({ key, original }) =>
        original?.state === "present" && !key.startsWith(MODULE_PREFIX)
          ? this.#bringAbout({ key, target: original })
          : done(key)
      ),
    );
  }

  capture(difference: Difference) {
    return captureActual(difference);
  }

  consumers(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  limitations(): Promise<ByKey<string>> {
    return Promise.resolve(new Map());
  }

  #observe(key: string): Observation {
    if (key.startsWith(MODULE_PREFIX)) return this.#observeModule(key.slice(MODULE_PREFIX.length));
    const found = sysctlPath(key);
    if (!found.ok) return { state: "unavailable", reason: found.reason };
    try {
      const text = this.#files.readText(`${this.#tree}/${found.path}`, {
        maxBytes: MAX_VALUE_BYTES,
        followSymlink: false,
      });
      return { state: "present", value: { kind: "text", text: normaliseSysctl(text) } };
    } catch (error) {
      if (isShimError(error, "ENOENT", "ENOTDIR")) {
        return { state: "unavailable", reason: "this kernel has no such parameter" };
      }
      const reason = isRefusal(error) ? "permission denied" : reasonOf(error);
      return { state: "unavailable", reason };
    }
  }

  #observeModule(name: string): Observation {
    if (this.#modules === undefined || !this.#isNode) {
      return { state: "unavailable", reason: MODULES_UNSUPPORTED };
    }
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
      return { state: "unavailable", reason: "not the name of a module" };
    }
    if (!this.#modules.isLoaded(name)) return { state: "absent" };
    return { state: "present", value: { kind: "text", text: LOADED } };
  }

  async #load({ key, target }: Operation): Promise<Outcome> {
    const before = this.#observe(key);
    if (before.state === "unavailable") return unavailable(key, before.reason);
    if (before.state === "present" || target.state === "absent") return done(key);
    const reason = await this.#modules?.load(key.slice(MODULE_PREFIX.length));
    if (reason !== undefined) return failed(key, reason);
    return this.#observe(key).state === "present"
      ? done(key)
      : failed(key, "verification failed: the kernel does not list it");
  }

  #bringAbout({ key, target }: Operation): Outcome {
    const availability = this.availability();
    if (!availability.available) return unavailable(key, availability.reason);
    const before = this.#observe(key);
    if (before.state === "unavailable") return unavailable(key, before.reason);
    if (isSame(target, before)) return done(key);
    if (target.state === "absent" || target.value.kind !== "text") {
      return failed(key, "a kernel parameter cannot be removed");
    }
    const refusal = whyNotWritable(key, target.value.text);
    if (refusal !== undefined) return unavailable(key, refusal);
    try {
      this.#write(key, target.value.text);
    } catch (error) {
      return isRefusal(error)
        ? unavailable(key, `permission denied: ${reasonOf(error)}`)
        : failed(key, reasonOf(error));
    }
    const after = this.#observe(key);
    if (isSame(target, after)) return done(key);
    const seen = after.state === "present" && after.value.kind === "text" ? after.value.text : "";
    return failed(key, `verification failed: reads ${seen.slice(0, 200)}`);
  }

  #write(key: string, value: string): void {
    const found = sysctlPath(key);
    if (!found.ok) return;
    // A tree in development is of ordinary files, which keep the end of a longer old value.
    this.#files.writeExisting(`${this.#tree}/${found.path}`, value + "\n", {
      truncate: !this.#isNode,
    });
  }
}

/** No value is declared for a parameter whose declaration was taken away: then any will do. */
function isSame(target: Target, observed: Observation): boolean {
  if (target.state === "absent") return true;
  return observed.state === "present" && observed.value.kind === "text" &&
    target.value.kind === "text" &&
    normaliseSysctl(observed.value.text) === normaliseSysctl(target.value.text);
}
