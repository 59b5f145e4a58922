/** What kind of trouble a data directory is in. */
export type StorageErrorKind =
  /** Bytes that cannot be what was written. */
  | "corrupt"
  /** Another process works on the directory. */
  | "locked"
  /** The directory or file is not pact's, or belongs to another user. */
  | "foreign"
  /** Written by a newer version. */
  | "newer"
  /** The operating system refused. */
  | "io";

/** Where in a file the trouble sits. */
export interface StorageErrorOptions {
  /** For people: `record 17`, `offset 4096`. */
  readonly position?: string;
  readonly cause?: unknown;
}

/**
 * A data directory that must not be used as it is. The process ends with `exitCode` and this
 * message, which names file, position and what to do (JRN-65).
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  /** Exit status of a journal that cannot start because of this. */
  readonly exitCode = 1;
  readonly position: string | undefined;

  constructor(
    readonly kind: StorageErrorKind,
    readonly path: string,
    readonly detail: string,
    options: StorageErrorOptions = {},
  ) {
    const at = options.position === undefined ? "" : ` at ${options.position}`;
    super(
      `${path}${at}: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.position = options.position;
  }
}
