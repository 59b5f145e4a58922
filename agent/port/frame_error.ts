/** A frame that breaks a rule of the port. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

const MAX_PATH = 4096;

/** Whether a path is absolute, of bearable length, and leads nowhere by `..`. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith("/") && path.length <= MAX_PATH && !path.includes("\0") &&
    !path.split("/").includes("..");
}

/** @throws {FrameError} when `value` is above `limit`. */
export function atMost(what: string, value: number, limit: number): void {
  if (value > limit) throw new FrameError(`${what}: ${value} exceeds ${limit}`);
}
