import type { EventPump } from "./events.ts";
import { cText, textOf } from "./memory.ts";
import { check, isErrno } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns an inotify instance and its watch in an event pump. Ends by `close`.
 */

/** Bits of inotify(7). */
export const IN = {
  access: 0x1,
  modify: 0x2,
  attrib: 0x4,
  closeWrite: 0x8,
  closeNoWrite: 0x10,
  open: 0x20,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
  unmount: 0x2000,
  queueOverflow: 0x4000,
  ignored: 0x8000,
  onlyDirectory: 0x0100_0000,
  dontFollow: 0x0200_0000,
  isDirectory: 0x4000_0000,
} as const;

/** A change. `watch` is -1 for `IN.queueOverflow`: events were lost, look at everything again. */
export interface FileEvent {
  readonly watch: number;
  readonly mask: number;
  /** Pairs a movedFrom with its movedTo. */
  readonly cookie: number;
  /** Name inside a watched directory, empty for the watched file itself. */
  readonly name: string;
}

/** Watches files and directories; cgroup.events too (modify). */
export interface Inotify {
  /** Adds or replaces the watch of a path and returns its number. Throws ENOSPC at the user's limit
   * (fs.inotify.max_user_watches). */
  add(path: string, mask: number): number;
  /** Removes a watch; one that the kernel dropped already (deleted file) is no error. */
  remove(watch: number): void;
  close(): void;
}

const BUFFER_BYTES = 16384;
const HEADER_BYTES = 16;
/** Reads per wake-up; the level-triggered pump calls again for the rest. */
const READS_PER_TURN = 16;

function* decodeEvents(bytes: Uint8Array): Iterable<FileEvent> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.byteLength;) {
    const nameBytes = view.getUint32(at + 12, true);
    const name = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + nameBytes);
    const end = name.indexOf(0);
    yield {
      watch: view.getInt32(at, true),
      mask: view.getUint32(at + 4, true),
      cookie: view.getUint32(at + 8, true),
      name: textOf(end < 0 ? name : name.subarray(0, end)),
    };
    at += HEADER_BYTES + nameBytes;
  }
}

/** Opens an inotify instance whose events a pump delivers. */
export function openInotify(
  library: Library,
  pump: EventPump,
  onEvent: (event: FileEvent) => void,
): Inotify {
  const fd = check(library.pact_shim_inotify_open(), "inotify_init1");
  const buffer = new Uint8Array(BUFFER_BYTES);
  let open = true;

  function drain(): void {
    for (let turn = 0; turn < READS_PER_TURN && open; turn++) {
      const got = check(
        library.pact_shim_inotify_read(fd, buffer, BUFFER_BYTES),
        "read",
        "inotify",
      );
      if (got === 0) return;
      for (const event of decodeEvents(buffer.slice(0, got))) onEvent(event);
    }
  }

  const watch = pump.watch(fd, drain);
  return {
    add: (path, mask) => {
      const result = library.pact_shim_inotify_add(fd, cText(path, "inotify_add_watch"), mask);
      return check(result, "inotify_add_watch", path);
    },
    remove: (number) => {
      const result = library.pact_shim_inotify_remove(fd, number);
      if (!isErrno(result, "EINVAL")) check(result, "inotify_rm_watch", `${number}`);
    },
    close: () => {
      if (!open) return;
      open = false;
      watch.close();
      check(library.pact_shim_close(fd), "close", "inotify");
    },
  };
}
