/**
 * `tokens.json`: read as strictly as it was written, changed by one process at a time. It owns a
 * lock while it is changed, which ends with the change or the process.
 */

import type { Clock } from "../../common/clock/mod.ts";
import { reasonOf } from "../config/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import { type CacheDocument, CacheDocumentSchema, EMPTY_CACHE } from "./cache_document.ts";

/** Largest cache read, in bytes: room for some dozens of logins. */
const MAX_CACHE_BYTES = 4 * 1024 * 1024;

/** Longest wait for another process, which may be waiting for the provider. */
const LOCK_TIMEOUT_MS = 60_000;
const LOCK_POLL_MS = 25;

/** The cache while nobody else may change it. */
export interface LockedCache {
  /**
   * What it holds now.
   *
   * @throws {Failure} exit 2 as `CacheFile.read`.
   */
  read(): Promise<CacheDocument>;
  /**
   * Makes sure that it can be written, before something happens that must not be lost.
   *
   * @throws {Failure} exit 1.
   */
  prepare(): Promise<void>;
  /** Puts `cache` in its place, whole or not at all. */
  write(cache: CacheDocument): Promise<void>;
}

/** The login cache in one configuration directory. */
export class CacheFile {
  readonly path: string;

  constructor(private readonly directory: string, private readonly host: Host) {
    this.path = `${directory}/tokens.json`;
  }

  /**
   * The cache; an empty one where there is no file.
   *
   * @throws {Failure} exit 2 for a file that others could have read or written, is no file, belongs to
   *   somebody else, or does not hold what it should (CLI-34).
   */
  async read(): Promise<CacheDocument> {
    const text = await this.#readText();
    if (text === undefined) return EMPTY_CACHE;
    try {
      return CacheDocumentSchema.parse(JSON.parse(text));
    } catch {
      // What stands there may be a token, so the parser's own words are not passed on.
      throw refused("token cache is corrupted — run `pact login`", this.path);
    }
  }

  /** Whether there is a cache at all, good or not. */
  async exists(): Promise<boolean> {
    return await statOf(this.path) !== undefined;
  }

  /** Changes the cache while no other process does. */
  async change<T>(work: (cache: LockedCache) => Promise<T>): Promise<T> {
    await this.#makeDirectory();
    using _lock = await this.#lock();
    return await work({
      read: () => this.read(),
      prepare: () => this.#writeText("", false),
      write: (cache) => this.#writeText(`${JSON.stringify(cache, undefined, 2)}\n`, true),
    });
  }

  async #readText(): Promise<string | undefined> {
    const named = await statOf(this.path);
    if (named === undefined) return undefined;
    // A link in its place was put there by somebody who wants another file read or written.
    if (!named.isFile) throw this.#loose("it is no regular file");
    using file = await this.#openToRead();
    const info = await file.stat();
    if (info.ino !== named.ino || info.dev !== named.dev) throw this.#loose("it was replaced");
    const mode = (info.mode ?? 0) & 0o777;
    if ((mode & 0o077) !== 0) throw this.#loose(`it has mode 0${mode.toString(8)}`);
    const userId = this.host.userId();
    if (userId !== undefined && info.uid !== null && info.uid !== userId) {
      throw this.#loose("it belongs to another user");
    }
    if (info.size > MAX_CACHE_BYTES) throw refused("token cache is too large", this.path);
    return await new Response(file.readable).text();
  }

  async #openToRead(): Promise<Deno.FsFile> {
    try {
      return await Deno.open(this.path, { read: true });
    } catch (error) {
      throw refused(`token cache cannot be read: ${reasonOf(error)}`, this.path);
    }
  }

  #loose(reason: string): Failure {
    return refused("token cache permissions must be 0600", `${this.path}: ${reason}`);
  }

  async #makeDirectory(): Promise<void> {
    try {
      await Deno.mkdir(this.directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  async #lock(): Promise<Disposable> {
    const file = await this.#openLock();
    const { clock } = this.host;
    const deadlineMs = clock.monotonicMs() + LOCK_TIMEOUT_MS;
    // Ends by the deadline: the holder may hang.
    while (!await file.tryLock(true)) {
      if (clock.monotonicMs() >= deadlineMs) {
        file.close();
        throw new Failure(
          "UNAVAILABLE",
          "another pact holds the token cache for too long",
          EXIT.general,
          [`end it, then try again; the lock is ${this.path}.lock`],
        );
      }
      await pause(clock, LOCK_POLL_MS);
    }
    return { [Symbol.dispose]: () => file.close() };
  }

  async #openLock(): Promise<Deno.FsFile> {
    try {
      return await Deno.open(`${this.path}.lock`, { write: true, create: true, mode: 0o600 });
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /** Writes to a new file, and puts it in the place of the old one with `keep`. */
  async #writeText(text: string, keep: boolean): Promise<void> {
    const temporary = `${this.path}.${this.host.randomId()}.tmp`;
    try {
      {
        using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
        const bytes = new TextEncoder().encode(text);
        for (let offset = 0; offset < bytes.length;) {
          offset += await file.write(bytes.subarray(offset));
        }
        await file.sync();
      }
      if (keep) await Deno.rename(temporary, this.path);
      else await Deno.remove(temporary);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw this.#unwritable(error);
    }
  }

  #unwritable(error: unknown): Failure {
    if (error instanceof Failure) return error;
    const hints = error instanceof Deno.errors.NotCapable
      ? [`this pact was started without the permission to write to ${this.directory}`]
      : [];
    return new Failure(
      "CONFIG",
      `the token cache ${this.path} cannot be written: ${reasonOf(error)}`,
      EXIT.general,
      hints,
      error,
    );
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw refused(`token cache cannot be read: ${reasonOf(error)}`, path);
  }
}

function refused(message: string, what: string): Failure {
  return new Failure("UNAUTHENTICATED", message, EXIT.refused, [
    what,
    "log in again with `pact login`, which replaces it",
  ]);
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(delayMs, resolve));
}
