import type { EventPump } from "./events.ts";
import { IN } from "./inotify.ts";
import { cText, textOf } from "./memory.ts";
import { check, isErrno } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns a fanotify group and its watch in an event pump. Ends by `close`.
 */

/** A change in a marked directory. */
export interface ProcessFileEvent {
  /** The key of the directory, as `mark` answered it; "" when events were lost (IN.queueOverflow). */
  readonly directory: string;
  /** Bits of `IN`, which fanotify(7) shares. */
  readonly mask: number;
  /** Name in the directory; empty for the directory itself. */
  readonly name: string;
  /** Who did it: a process, 0 for one outside of this PID namespace. It may be gone by now. */
  readonly pid: number;
}

/** Watches directories, and says which process changed something in them. */
export interface Fanotify {
  /** Watches a directory and what lies directly in it; answers the key its events carry. Throws
   * EOPNOTSUPP, ENODEV or EXDEV on file systems that cannot, ENOSPC at the user's limit. */
  mark(directory: string): string;
  /** Stops that; a directory that is gone is no error. */
  unmark(directory: string): void;
  close(): void;
}

const MASK = BigInt(
  IN.closeWrite | IN.attrib | IN.create | IN.delete | IN.movedFrom | IN.movedTo |
    IN.deleteSelf | IN.moveSelf | IN.isDirectory,
);
const BUFFER_BYTES = 16_384;
const KEY_BYTES = 152;
const READS_PER_TURN = 16;
/** struct fanotify_event_metadata. */
const METADATA_BYTES = 24;
/** struct fanotify_event_info_header, and FAN_EVENT_INFO_TYPE_DFID_NAME. */
const RECORD_HEADER_BYTES = 4;
const DIRECTORY_AND_NAME = 2;
/** File system id, and the fixed part of struct file_handle. */
const FILE_SYSTEM_ID_BYTES = 8;
const HANDLE_HEADER_BYTES = 8;

/** Opens a fanotify group whose events a pump delivers. */
export function openFanotify(
  library: Library,
  pump: EventPump,
  onEvent: (event: ProcessFileEvent) => void,
): Fanotify {
  const fd = check(library.pact_shim_fanotify_open(), "fanotify_init");
  const buffer = new Uint8Array(BUFFER_BYTES);
  let open = true;

  function drain(): void {
    for (let turn = 0; turn < READS_PER_TURN && open; turn++) {
      const got = check(
        library.pact_shim_fanotify_read(fd, buffer, BUFFER_BYTES),
        "read",
        "fanotify",
      );
      if (got === 0) return;
      for (const event of decodeEvents(buffer.slice(0, got))) onEvent(event);
    }
  }

  const watch = pump.watch(fd, drain);
  return {
    mark: (directory) => {
      const key = new Uint8Array(KEY_BYTES);
      const path = cText(directory, "fanotify_mark");
      const result = library.pact_shim_fanotify_mark(fd, path, MASK, key, KEY_BYTES);
      return key.subarray(0, check(result, "fanotify_mark", directory)).toHex();
    },
    unmark: (directory) => {
      const path = cText(directory, "fanotify_mark");
      const result = library.pact_shim_fanotify_unmark(fd, path, MASK);
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

function* decodeEvents(bytes: Uint8Array): Iterable<ProcessFileEvent> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + METADATA_BYTES <= bytes.byteLength;) {
    const length = view.getUint32(at, true);
    const metadataBytes = view.getUint16(at + 6, true);
    const end = at + length;
    if (length < METADATA_BYTES || metadataBytes < METADATA_BYTES || end > bytes.byteLength) return;
    const mask = Number(view.getBigUint64(at + 8, true) & 0xffff_ffffn);
    const pid = view.getInt32(at + 20, true);
    if ((mask & IN.queueOverflow) !== 0) yield { directory: "", mask, name: "", pid };
    const place = placeOf(bytes.subarray(at + metadataBytes, end));
    if (place !== undefined) yield { ...place, mask, pid };
    at = end;
  }
}

/** The directory and the name among the information records of an event. */
function placeOf(records: Uint8Array): { directory: string; name: string } | undefined {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at + RECORD_HEADER_BYTES <= records.byteLength;) {
    const length = view.getUint16(at + 2, true);
    const end = at + length;
    if (length < RECORD_HEADER_BYTES || end > records.byteLength) return undefined;
    const key = at + RECORD_HEADER_BYTES;
    const handle = key + FILE_SYSTEM_ID_BYTES;
    if (view.getUint8(at) === DIRECTORY_AND_NAME && handle + HANDLE_HEADER_BYTES <= end) {
      const nameAt = handle + HANDLE_HEADER_BYTES + view.getUint32(handle, true);
      if (nameAt > end) return undefined;
      const rest = records.subarray(nameAt, end);
      const nul = rest.indexOf(0);
      const name = textOf(nul < 0 ? rest : rest.subarray(0, nul));
      return { directory: records.slice(key, nameAt).toHex(), name: name === "." ? "" : name };
    }
    at = end;
  }
  return undefined;
}
