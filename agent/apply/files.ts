import { type Files, isShimError, type Users } from "../../ffi/mod.ts";
import type { Difference, FileItemValue, Observation, Target } from "../drift/mod.ts";
import type { Backups } from "./backups.ts";
import { FileReader, sha256Hex } from "./file_reader.ts";
import { MAX_FILE_CONTENT_BYTES } from "./from_wire.ts";
import { whyNotManageable } from "./manageable.ts";
import { lookUpOwner, type OwnerIds } from "./owner.ts";
import {
  type ByKey,
  type Captured,
  differenceOf,
  type Dimension,
  done,
  failed,
  type Operation,
  type Outcome,
  unavailable,
} from "./provider.ts";
import { isRefusal, makeParents, reasonOf, underRoot } from "./root.ts";

const DEFAULT_MODE = 0o644;
const MAX_BACKUP_READ_BYTES = 16 * 1024 * 1024;

/** What the files dimension stands on. */
export interface FilesOptions {
  readonly files: Files;
  readonly users: Users;
  /** `/` on a node; a directory in development (PATH-23). */
  readonly root: string;
  /** Only root may give files to others. */
  readonly effectiveUid: number;
  readonly backups: Backups;
  readonly wallMs: () => number;
}

/**
 * Managed files (APL-4): written whole through a temporary file, with mode and owner, verified by
 * reading back. A file of which only the hash is declared is verified, never written.
 */
export function filesDimension(options: FilesOptions): Dimension {
  return new FilesDimension(options);
}

class FilesDimension implements Dimension {
  readonly category = "files";
  readonly #options: FilesOptions;
  readonly #reader: FileReader;

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#reader = new FileReader(options.files, options.wallMs);
  }

  availability() {
    return { available: true } as const;
  }

  observe(keys: Iterable<string>): Promise<ByKey<Observation>> {
    return Promise.resolve(new Map(Array.from(keys, (key) => [key, this.#observe(key)])));
  }

  async diff(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]> {
    const differences: Difference[] = [];
    for (const [key, target] of targets) {
      const actual = observed.get(key);
      if (actual === undefined || actual.state === "unavailable") continue;
      if (await this.#same(target, actual)) continue;
      differences.push(differenceOf("files", key, target, actual));
    }
    return differences;
  }

  async apply(operations: readonly Operation[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const operation of operations) outcomes.push(await this.#bringAbout(operation, false));
    return outcomes;
  }

  async revert(operations: readonly Operation[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const operation of operations) outcomes.push(await this.#bringAbout(operation, true));
    return outcomes;
  }

  /** Puts back what was there before; where that is not known, the file stays as it is. */
  async release(
    operations: readonly { key: string; original: Target | undefined }[],
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const { key, original } of operations) {
      outcomes.push(
        original === undefined
          ? done(key)
          : await this.#bringAbout({ key, target: original }, true),
      );
    }
    return outcomes;
  }

  /** With its content, which the hash that was seen must still fit; the owner where it is declared. */
  async capture({ key, declared, actual }: Difference): Promise<Captured> {
    if (actual?.kind !== "file") return { ok: true, value: undefined };
    if (actual.fileType !== undefined) {
      return {
        ok: false,
        reason: `a ${actual.fileType} in the place of a file cannot be committed`,
      };
    }
    try {
      const content = this.#reader.read(this.#path(key), MAX_FILE_CONTENT_BYTES);
      if (sha256Hex(content) !== actual.contentHash) {
        return { ok: false, reason: "the file is being changed; try again" };
      }
      const { owner: seen, ...value } = { ...actual, content };
      const owner = await this.#ownerToCommit(declared, seen);
      return { ok: true, value: owner === undefined ? value : { ...value, owner } };
    } catch (error) {
      const reason = isShimError(error, "EFBIG")
        ? `file larger than ${MAX_FILE_CONTENT_BYTES} bytes`
        : reasonOf(error);
      return { ok: false, reason };
    }
  }

  consumers(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async limitations(targets: ByKey<Target>): Promise<ByKey<string>> {
    const limited = new Map<string, string>();
    for (const [key, target] of targets) {
      const owner = target.state === "present" ? fileOf(target).owner : undefined;
      if (owner === undefined || owner === "" || this.#options.effectiveUid === 0) continue;
      const found = await lookUpOwner(this.#options.users, owner);
      if (found.ok && this.#ownerIsOurs(found.ids)) continue;
      limited.set(
        key,
        `owner ${owner} not set: only root may, this agent runs as uid ${this.#options.effectiveUid}`,
      );
    }
    return limited;
  }

  #observe(key: string): Observation {
    const refusal = whyNotManageable(key);
    if (refusal !== undefined) return { state: "unavailable", reason: refusal };
    return this.#reader.observe(this.#path(key));
  }

  async #bringAbout(operation: Operation, keepOld: boolean): Promise<Outcome> {
    const { key, target } = operation;
    const before = this.#observe(key);
    if (before.state === "unavailable") return unavailable(key, before.reason);
    try {
      if (await this.#same(target, before)) return done(key);
      const backup = keepOld ? this.#backUp(key, before, target) : undefined;
      const problem = target.state === "absent"
        ? this.#remove(key, before)
        : await this.#write(key, fileOf(target), before);
      if (problem !== undefined) return failed(key, problem);
      const after = this.#observe(key);
      if (!(await this.#same(target, after))) {
        return failed(key, `verification failed: ${this.#whatDiffers(target, after)}`);
      }
      return backup === undefined ? done(key) : { key, result: "done", backup };
    } catch (error) {
      return isRefusal(error) ? unavailable(key, reasonOf(error)) : failed(key, reasonOf(error));
    }
  }

  #remove(key: string, before: Observation): string | undefined {
    if (before.state !== "present") return undefined;
    if (fileOf(before).fileType === "directory") return "a directory is in the place of the file";
    try {
      this.#options.files.unlink(this.#path(key));
    } catch (error) {
      if (!isShimError(error, "ENOENT")) throw error;
    }
    return undefined;
  }

  async #write(
    key: string,
    wanted: FileItemValue,
    before: Observation,
  ): Promise<string | undefined> {
    const { files } = this.#options;
    const path = this.#path(key);
    const owner = await this.#ownerToSet(wanted);
    if (!owner.ok) return owner.reason;
    const old = before.state === "present" ? fileOf(before) : undefined;
    if (old?.fileType === "directory") return "a directory is in the place of the file";
    const hash = wantedHash(wanted);
    const contentStands = old !== undefined && old.fileType === undefined &&
      (hash === undefined || old.contentHash === hash);
    if (contentStands) {
      if (owner.ids.uid !== undefined || owner.ids.gid !== undefined) files.chown(path, owner.ids);
      // After chown, which takes set-id bits away.
      if (wanted.mode !== undefined) files.chmod(path, wanted.mode);
      return undefined;
    }
    if (wanted.content === undefined) {
      return old === undefined
        ? "the file is missing and its content is not declared"
        : "the content differs and only its hash is declared";
    }
    makeParents(files, path);
    const mode = wanted.mode ?? (old?.fileType === undefined ? old?.mode : undefined);
    await files.writeAtomic(path, wanted.content, { mode: mode ?? DEFAULT_MODE, ...owner.ids });
    return undefined;
  }

  #backUp(key: string, before: Observation, target: Target): string | undefined {
    if (before.state !== "present") return undefined;
    const old = fileOf(before);
    const wanted = target.state === "present" ? wantedHash(fileOf(target)) : undefined;
    if (old.fileType !== undefined || old.contentHash === wanted) return undefined;
    try {
      const content = this.#reader.read(this.#path(key), MAX_BACKUP_READ_BYTES);
      return this.#options.backups.keep(key, content);
    } catch (error) {
      if (isShimError(error, "EFBIG")) return `sha256:${old.contentHash}`;
      throw error;
    }
  }

  async #same(target: Target, observed: Observation): Promise<boolean> {
    if (target.state === "absent") return observed.state === "absent";
    if (observed.state !== "present") return false;
    const wanted = fileOf(target);
    const actual = fileOf(observed);
    if (actual.fileType !== wanted.fileType) return false;
    const hash = wantedHash(wanted);
    if (hash !== undefined && hash !== actual.contentHash) return false;
    if (wanted.mode !== undefined && wanted.mode !== actual.mode) return false;
    const owner = await this.#ownerToSet(wanted);
    return !owner.ok || sameOwner(owner.ids, actual.owner);
  }

  #whatDiffers(target: Target, after: Observation): string {
    if (target.state === "absent") return "the file is still there";
    if (after.state !== "present") return "the file is missing";
    const hash = wantedHash(fileOf(target));
    if (hash !== undefined && hash !== fileOf(after).contentHash) return "the content differs";
    return "mode or owner differ";
  }

  /** What of a declared owner this process can bring about; nothing when it is not root. */
  async #ownerToSet(
    wanted: FileItemValue,
  ): Promise<{ ok: true; ids: OwnerIds } | { ok: false; reason: string }> {
    if (wanted.owner === undefined || wanted.owner === "" || this.#options.effectiveUid !== 0) {
      return { ok: true, ids: {} };
    }
    return await lookUpOwner(this.#options.users, wanted.owner);
  }

  async #ownerToCommit(
    declared: Difference["declared"],
    seen: string | undefined,
  ): Promise<string | undefined> {
    if (declared?.kind !== "file" || declared.owner === undefined) return undefined;
    const found = await this.#ownerToSet(declared);
    return found.ok && sameOwner(found.ids, seen) ? declared.owner : seen;
  }

  #ownerIsOurs(ids: OwnerIds): boolean {
    return ids.gid === undefined &&
      (ids.uid === undefined || ids.uid === this.#options.effectiveUid);
  }

  #path(key: string): string {
    return underRoot(this.#options.root, key);
  }
}

/** Targets and observations of this dimension hold files; anything else is one that says nothing. */
function fileOf(present: Extract<Target, { state: "present" }>): FileItemValue {
  return present.value.kind === "file" ? present.value : { kind: "file" };
}

function wantedHash(wanted: FileItemValue): string | undefined {
  return wanted.contentHash ??
    (wanted.content === undefined ? undefined : sha256Hex(wanted.content));
}

function sameOwner(ids: OwnerIds, actual: string | undefined): boolean {
  const [uid, gid] = (actual ?? "").split(":").map(Number);
  return (ids.uid === undefined || ids.uid === uid) && (ids.gid === undefined || ids.gid === gid);
}
