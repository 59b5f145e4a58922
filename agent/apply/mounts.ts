import { type Files, isShimError, type MountRequest, type Mounts } from "../../ffi/mod.ts";
import {
  type Difference,
  fingerprint,
  isMountedAs,
  type ItemValue,
  mountValue,
  type Observation,
  type Target,
} from "../drift/mod.ts";
import { type MountLine, mountUsers, readMountTable } from "../mounts/mod.ts";
import { mountRequest, remountRequests } from "./mount_requests.ts";
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
import { isRefusal, makeParents, reasonOf, underRoot } from "./root.ts";

/** So many mounts are taken off one place, one below the other. */
const MAX_LAYERS = 16;

/** What the mounts dimension stands on. */
export interface MountsOptions {
  readonly files: Files;
  readonly mounts: Pick<Mounts, "mount" | "unmount">;
  /** `/` on a node; mounts below any other root are those of the node in development. */
  readonly root: string;
  /** Only root may mount. */
  readonly effectiveUid: number;
}

/** How a target is held against what is mounted. */
type IsSame = (target: Target, observed: Observation) => boolean;

/**
 * Mounts by their mount points in the agent's own namespace (APL-4): what the kernel mounts by itself.
 * Of several at one place the topmost counts. A mount in use is never taken away.
 */
export class MountsDimension implements Dimension {
  readonly category = "mounts";

  constructor(private readonly options: MountsOptions) {}

  availability(): Availability {
    if (this.options.effectiveUid === 0) return { available: true };
    return { available: false, reason: "only root may mount" };
  }

  observe(keys: Iterable<string>): Promise<ByKey<Observation>> {
    const table = this.table();
    return Promise.resolve(
      new Map(Array.from(keys, (key) => [key, this.#observe(key, table)] as const)),
    );
  }

  diff(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]> {
    return Promise.resolve(differences(targets, observed, isDeclared));
  }

  /** As diff, where targets are what was observed before: every option counts. */
  diffStrictly(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]> {
    return Promise.resolve(differences(targets, observed, isEqual));
  }

  async apply(operations: readonly Operation[]): Promise<Outcome[]> {
    return await this.#inTurn(operations, isDeclared);
  }

  async revert(operations: readonly Operation[]): Promise<Outcome[]> {
    return await this.#inTurn(operations, isDeclared);
  }

  /** As revert, to what was observed before. */
  async revertStrictly(operations: readonly Operation[]): Promise<Outcome[]> {
    return await this.#inTurn(operations, isEqual);
  }

  /** What pact mounted goes, unless it is in use; what was there before stays. */
  async release(
    operations: readonly { readonly key: string; readonly original: Target | undefined }[],
  ): Promise<Outcome[]> {
    const absent: Target = { state: "absent" };
    const outcomes: Outcome[] = [];
    for (const { key, original } of operations) {
      const isOurs = original?.state === "absent";
      outcomes.push(isOurs ? await this.#bringAbout({ key, target: absent }, isEqual) : done(key));
    }
    return outcomes;
  }

  capture(difference: Difference) {
    return captureActual(difference);
  }

  /** Who uses a mount that would be taken away (RBK-3). */
  consumers(operations: readonly Operation[]): Promise<readonly string[]> {
    const table = this.table();
    const lines = operations.flatMap(({ key, target }) => {
      const before = this.#observe(key, table);
      const covers = target.state === "present" && this.#layers(key, table).length > 1;
      if (before.state !== "present" || (target.state === "present" && !covers)) return [];
      return mountUsers(this.options.files, this.path(key)).map(({ pid, comm, uid }) =>
        `mounts:${key}: pid ${pid} (${comm}) by uid ${uid}`
      );
    });
    return Promise.resolve(lines);
  }

  limitations(): Promise<ByKey<string>> {
    return Promise.resolve(new Map());
  }

  /** The mount table, as far as it is of this node, with the paths as they are declared. */
  table(): MountLine[] {
    const prefix = underRoot(this.options.root, "");
    return readMountTable(this.options.files).flatMap((line) => {
      if (prefix === "") return line;
      if (!line.mountPoint.startsWith(`${prefix}/`)) return [];
      return { ...line, mountPoint: line.mountPoint.slice(prefix.length) };
    });
  }

  /** Where a mount point lies for the kernel. */
  path(key: string): string {
    return underRoot(this.options.root, key);
  }

  #layers(key: string, table: readonly MountLine[]): MountLine[] {
    return table.filter(({ mountPoint }) => mountPoint === key);
  }

  #observe(key: string, table: readonly MountLine[]): Observation {
    const top = this.#layers(key, table).at(-1);
    return top === undefined ? { state: "absent" } : { state: "present", value: mountValue(top) };
  }

  /** Those that go first, the inner before the outer; then those that come, the other way round. */
  async #inTurn(operations: readonly Operation[], isSame: IsSame): Promise<Outcome[]> {
    const byKey = operations.toSorted((a, b) => a.key < b.key ? -1 : 1);
    const outcomes: Outcome[] = [];
    const goes = ({ target }: Operation) => target.state === "absent";
    for (const operation of byKey.filter(goes).reverse()) {
      outcomes.push(await this.#bringAbout(operation, isSame));
    }
    for (const operation of byKey.filter((operation) => !goes(operation))) {
      outcomes.push(await this.#bringAbout(operation, isSame));
    }
    return outcomes;
  }

  async #bringAbout({ key, target }: Operation, isSame: IsSame): Promise<Outcome> {
    const isThere = () => isSame(target, this.#observe(key, this.table()));
    try {
      if (isThere()) return done(key);
      const availability = this.availability();
      if (!availability.available) return unavailable(key, availability.reason);
      const problem = target.state === "absent"
        ? await this.#unmount(key, isThere)
        : await this.#mount(key, target.value, isThere);
      if (problem !== undefined) return problem;
      return isThere() ? done(key) : failed(key, "verification failed: another thing is mounted");
    } catch (error) {
      const reason = isShimError(error, "EBUSY") ? "in use" : reasonOf(error);
      return isRefusal(error) ? unavailable(key, reason) : failed(key, reason);
    }
  }

  async #unmount(key: string, isOver: () => boolean): Promise<undefined> {
    const { mounts } = this.options;
    // Ends: each round takes one mount away, or throws.
    for (let layer = 0; layer < MAX_LAYERS && !isOver(); layer++) {
      await mounts.unmount(this.path(key));
    }
  }

  async #mount(
    key: string,
    value: ItemValue,
    isOver: () => boolean,
  ): Promise<Outcome | undefined> {
    if (value.kind !== "mount") return failed(key, "not a mount");
    const layers = this.#layers(key, this.table()).map(mountValue);
    const top = layers.at(-1);
    if (top?.fsType === value.fsType && top.source === value.source) {
      return await this.#remount(remountRequests(this.path(key), value), isOver);
    }
    const isBelow = layers.some((layer) => fingerprint(layer) === fingerprint(value));
    if (isBelow) return await this.#unmount(key, isOver);
    const asked = mountRequest(this.path(key), value);
    if ("refusal" in asked) return unavailable(key, asked.refusal);
    if (top !== undefined) return failed(key, `${top.fsType} from ${top.source} is mounted there`);
    makeParents(this.options.files, `${this.path(key)}/mounted`);
    await this.options.mounts.mount(asked.request);
    return undefined;
  }

  async #remount(requests: readonly MountRequest[], isOver: () => boolean): Promise<undefined> {
    for (const request of requests) {
      await this.options.mounts.mount(request);
      if (isOver()) return;
    }
  }
}

function differences(
  targets: ByKey<Target>,
  observed: ByKey<Observation>,
  isSame: IsSame,
): Difference[] {
  return [...targets].flatMap(([key, target]) => {
    const actual = observed.get(key);
    if (actual === undefined || actual.state === "unavailable" || isSame(target, actual)) return [];
    return differenceOf("mounts", key, target, actual);
  });
}

function isDeclared(target: Target, observed: Observation): boolean {
  if (target.state === "absent") return observed.state === "absent";
  if (observed.state !== "present" || observed.value.kind !== "mount") return false;
  return target.value.kind === "mount" && isMountedAs(target.value, observed.value);
}

function isEqual(target: Target, observed: Observation): boolean {
  const value = target.state === "present" ? target.value : undefined;
  const actual = observed.state === "present" ? observed.value : undefined;
  return fingerprint(value) === fingerprint(actual);
}
