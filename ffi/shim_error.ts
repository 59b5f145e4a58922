import { type ErrnoName, errnoNumber, errnoOf } from "./errno.ts";

/** A system call that failed. `message` reads `OPERATION PATH: TEXT OF ERRNO`. */
export class ShimError extends Error {
  override readonly name: string = "ShimError";
  /** Symbolic errno, `ENOENT` say. */
  readonly code: string;
  readonly errno: number;
  /** What was tried, `mount` or `write` say. */
  readonly operation: string;
  readonly path?: string;

  constructor(errno: number, operation: string, path?: string) {
    const { name, message } = errnoOf(errno);
    super(`${path === undefined ? operation : `${operation} ${path}`}: ${message}`);
    this.code = name;
    this.errno = errno;
    this.operation = operation;
    if (path !== undefined) this.path = path;
  }

  /** The same failure, by symbolic name. */
  static of(name: ErrnoName, operation: string, path?: string): ShimError {
    return new ShimError(errnoNumber(name), operation, path);
  }
}

/** Whether an error is a ShimError with one of these codes. */
export function isShimError(error: unknown, ...codes: ErrnoName[]): error is ShimError {
  return error instanceof ShimError &&
    (codes.length === 0 || codes.some((code) => code === error.code));
}

/** Whether a function's result is this errno. */
export function isErrno(result: number, ...names: ErrnoName[]): boolean {
  return names.some((name) => result === -errnoNumber(name));
}

/** Passes a result >= 0 on and throws a negative errno. */
export function check(result: number, operation: string, path?: string): number {
  if (result < 0) throw new ShimError(-result, operation, path);
  return result;
}
