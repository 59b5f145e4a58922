import { bytesOf, cText } from "./memory.ts";
import { check, ShimError } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns one descriptor of an append-only file. Ends by `close`.
 */

/** An append-only file; one writer, one append at a time. */
export interface AppendFile {
  /** Appends, and resolves with the new length once the bytes are on storage (fdatasync). On failure
   * the file has its former length. Throws EBUSY while another append is under way. */
  append(data: Uint8Array | string): Promise<number>;
  /** The same, waiting for the disk on the calling thread. */
  appendSync(data: Uint8Array | string): number;
  /** Throws EBUSY while an append is under way. Repeatable. */
  close(): void;
}

/** Opens, or creates durably with this mode, a file for appending. */
export function openAppendFile(library: Library, path: string, mode: number): AppendFile {
  const fd = check(library.pact_shim_append_open(cText(path, "open"), mode), "open", path);
  let state: "open" | "appending" | "closed" = "open";

  function assertIdle(operation: string): void {
    if (state === "appending") throw ShimError.of("EBUSY", operation, path);
    if (state === "closed") throw ShimError.of("EBADF", operation, path);
  }

  return {
    append: async (data) => {
      assertIdle("append");
      state = "appending";
      try {
        const bytes = bytesOf(data);
        const size = BigInt(bytes.byteLength);
        return check(Number(await library.pact_shim_append_async(fd, bytes, size)), "append", path);
      } finally {
        state = "open";
      }
    },
    appendSync: (data) => {
      assertIdle("append");
      const bytes = bytesOf(data);
      const result = library.pact_shim_append(fd, bytes, BigInt(bytes.byteLength));
      return check(Number(result), "append", path);
    },
    close: () => {
      if (state === "closed") return;
      assertIdle("close");
      state = "closed";
      check(library.pact_shim_close(fd), "close", path);
    },
  };
}
