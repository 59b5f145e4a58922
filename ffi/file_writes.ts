import type { EventPump } from "./events.ts";
import { cText, textOf } from "./memory.ts";
import { check, isErrno } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns a fanotify group and its watch in an event pump. Ends by `close`.
 */

/** A file was written and closed. */
export interface FileWrite {
  /** Empty when events were lost. */
  readonly path: string;
  /** Who closed it: a process, 0 for one outside of this PID namespace. It may be gone by now. */
  readonly pid: number;
}

/** Watches directories for writes to the files in them, on every file system. */
export interface FileWrites {
  mark(directory: string): void;
  /** A directory that is gone or not marked is no error. */
  unmark(directory: string): void;
  close(): void;
}

/** PACT_FILE_WRITES_CAPACITY. */
const BUFFER_BYTES = 65_664;
const HEADER_BYTES = 8;
const READS_PER_TURN = 16;

/** Opens a fanotify group whose events a pump delivers. */
export function openFileWrites(
  library: Library,
  pump: EventPump,
  onWrite: (write: FileWrite) => void,
): FileWrites {
  const fd = check(library.pact_shim_file_writes_open(), "fanotify_init");
  const buffer = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  let open = true;

  function drain(): void {
    for (let turn = 0; turn < READS_PER_TURN && open; turn++) {
      const got = library.pact_shim_file_writes_read(fd, buffer, BUFFER_BYTES);
      if (check(got, "read", "fanotify") === 0) return;
      for (let at = 0; at + HEADER_BYTES <= got;) {
        const pathAt = at + HEADER_BYTES;
        const end = pathAt + view.getUint32(at + 4, true);
        onWrite({ path: textOf(buffer.slice(pathAt, end)), pid: view.getInt32(at, true) });
        at = end;
      }
    }
  }

  const watch = pump.watch(fd, drain);
  return {
    mark: (directory) => {
      const path = cText(directory, "fanotify_mark");
      check(library.pact_shim_file_writes_mark(fd, path, 1), "fanotify_mark", directory);
    },
    unmark: (directory) => {
      const path = cText(directory, "fanotify_mark");
      const result = library.pact_shim_file_writes_mark(fd, path, 0);
      if (!isErrno(result, "ENOENT", "ENOTDIR")) check(result, "fanotify_mark", directory);
    },
    close: () => {
      if (!open) return;
      open = false;
      watch.close();
      check(library.pact_shim_close(fd), "close", "fanotify");
    },
  };
}
