/**
 * Shell: keeps passwd.db and group.db as the newest identity map has them, and the line of
 * nsswitch.conf by which programs find them. It owns those two files; they stay when the agent ends,
 * so that names do not vanish while it is restarted.
 */
import type { journal } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { FILE_MODES, type NodePaths } from "../../contracts/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";
import { encodeGroups, encodeUsers, isSameContent } from "./database.ts";
import { localAccounts } from "./local_accounts.ts";
import { hasNetworkMount } from "./nfs.ts";
import { withPact } from "./nsswitch.ts";
import { type People, peopleOf } from "./people.ts";

/** When programs on this node see the map (IDM-1). */
export type MappingMode = "auto" | "on" | "off";

export interface IdentityMapOptions {
  readonly files: Files;
  readonly paths: NodePaths;
  readonly mode: MappingMode;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether what is declared mounts a network file system. */
  readonly declaresNetworkMount: () => boolean;
  /** Whether this vCluster leaves names to another service: systemd mode (IDM-9). */
  readonly isLeftToOthers: () => boolean;
  /** Once, when a map is in force for the first time. */
  readonly onActive: () => void;
  /** Tells the audit sink that the files changed, and why. */
  readonly onUpdated: (reason: string) => void;
}

/** The identity map of this node. */
export interface IdentityMap {
  /** Takes a newer map over, or what is declared may have changed: writes what differs. */
  take(map: journal.UidMap | undefined): void;
  /** Whether a map is in force on this node. */
  readonly isActive: boolean;
  close(): void;
}

/** IDM-7: how often the files are looked at. */
const VERIFY_INTERVAL_MS = 60_000;
const MAX_FILE_BYTES = 64 * 2 ** 20;
const MAX_ACCOUNTS_BYTES = 16 * 2 ** 20;
const MAX_MOUNTS_BYTES = 4 * 2 ** 20;
/** Skipped entries that are named one by one. */
const MAX_NAMED = 20;

/** Starts keeping the files; nothing is written before a map is taken. */
export function openIdentityMap(options: IdentityMapOptions): IdentityMap {
  return new Keeper(options);
}

class Keeper implements IdentityMap {
  #map: journal.UidMap | undefined;
  #timer: TimerHandle;
  #skipped = "";
  isActive = false;

  constructor(private readonly options: IdentityMapOptions) {
    this.#timer = this.#verifyLater();
  }

  take(map: journal.UidMap | undefined): void {
    const reason = map === undefined ? "declaration changed" : `version ${map.version}`;
    this.#map = map ?? this.#map;
    this.#bringAbout(reason);
  }

  close(): void {
    this.options.clock.clearTimer(this.#timer);
  }

  #bringAbout(reason: string): void {
    if (this.#map === undefined || !this.#isWanted()) return;
    const { log, paths } = this.options;
    try {
      const people = peopleOf(this.#map, this.#localAccounts());
      this.#reportSkipped(people);
      // Groups first: whoever sees a new user finds the groups it is in (IDM-6).
      const groups = this.#write(
        paths.groupDb,
        encodeGroups(people.groups, people.version),
        "group",
      );
      const users = this.#write(
        paths.passwdDb,
        encodeUsers(people.users, people.version),
        "passwd",
      );
      this.#enlist();
      if (groups || users) this.#report(people, reason);
      if (!this.isActive) this.options.onActive();
      this.isActive = true;
    } catch (error) {
      log.error("identity map not written", { error: String(error) });
    }
  }

  #isWanted(): boolean {
    const { mode, files, isLeftToOthers, declaresNetworkMount } = this.options;
    if (mode === "off" || isLeftToOthers()) return false;
    if (mode === "on" || this.isActive || declaresNetworkMount()) return true;
    return hasNetworkMount(files.readText("/proc/self/mounts", { maxBytes: MAX_MOUNTS_BYTES }));
  }

  #localAccounts() {
    const read = (path: string) => {
      const full = `${this.options.paths.root}${path}`;
      const { files } = this.options;
      if (files.lstatIfPresent(full) === null) return "";
      return files.readText(full, { maxBytes: MAX_ACCOUNTS_BYTES });
    };
    return localAccounts(read("/etc/passwd"), read("/etc/group"));
  }

  /** Whether the file had to be written: absent, other people, damaged, or of another mode. */
  #write(path: string, bytes: Uint8Array, kind: "passwd" | "group"): boolean {
    const { files } = this.options;
    const mode = kind === "passwd" ? FILE_MODES.passwdDb : FILE_MODES.groupDb;
    const present = files.lstatIfPresent(path);
    if (present?.type === "file" && (present.mode & 0o7777) === mode) {
      if (isSameContent(this.#read(path), bytes)) return false;
    }
    files.writeAtomicSync(path, bytes, { mode });
    return true;
  }

  #read(path: string): Uint8Array {
    try {
      return this.options.files.read(path, { maxBytes: MAX_FILE_BYTES, followSymlink: false });
    } catch (error) {
      if (isShimError(error)) return new Uint8Array();
      throw error;
    }
  }

  /** IDM-9: asked after the node's own files; the original is kept beside it. */
  #enlist(): void {
    const { files, paths, log } = this.options;
    const path = `${paths.root}/etc/nsswitch.conf`;
    try {
      const present = files.lstatIfPresent(path);
      const text = present === null ? "" : files.readText(path, { maxBytes: MAX_ACCOUNTS_BYTES });
      const wanted = withPact(text);
      if (wanted === text) return;
      const saved = `${path}.pact-orig`;
      if (present !== null && files.lstatIfPresent(saved) === null) {
        files.writeAtomicSync(saved, text, { mode: 0o644 });
      }
      files.writeAtomicSync(path, wanted, { mode: 0o644 });
      log.info("nsswitch.conf asks the identity map for users and groups", { path });
    } catch (error) {
      if (!isShimError(error)) throw error;
      log.warn("nsswitch.conf not changed: programs do not see the identity map", {
        reason: error.message,
      });
    }
  }

  #reportSkipped({ skipped }: People): void {
    const text = skipped.slice(0, MAX_NAMED).join("; ");
    if (text !== "" && text !== this.#skipped) {
      this.options.log.error("entries of the identity map left out", {
        count: skipped.length,
        entries: text,
      });
    }
    this.#skipped = text;
  }

  #report({ users, groups, version }: People, reason: string): void {
    const { log, onUpdated } = this.options;
    log.info("identity map written", { users: users.length, groups: groups.length, reason });
    onUpdated(`${users.length} users, ${groups.length} groups, version ${version}: ${reason}`);
  }

  /** IDM-7, F25: what somebody damaged or removed is written again from memory. */
  #verifyLater(): TimerHandle {
    return this.options.clock.setTimer(VERIFY_INTERVAL_MS, () => {
      this.#bringAbout("files were damaged or local accounts changed");
      this.#timer = this.#verifyLater();
    });
  }
}
