import type { EventPump } from "./events.ts";
import { bytesOf, cText, textOf } from "./memory.ts";
import { check } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns a datagram socket and its watch in an event pump. Ends by `close`; the file at its path
 * stays, and the next socket takes its place.
 */

/** What somebody sent, as sd_notify(3) has it: lines of NAME=VALUE. */
export interface NotifyMessage {
  readonly text: string;
  /** The sender, by the kernel's word; 0 where it said none (a sender of another PID namespace). */
  readonly pid: number;
  readonly uid: number;
}

/** A socket for NOTIFY_SOCKET. Descriptors sent along are closed once their message was handled or
 * followed by another: what BARRIER=1 waits for. */
export interface NotifySocket {
  readonly path: string;
  /** Stops taking messages; senders wait once the queue is full. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface NotifySocketOptions {
  /** Absolute, or an abstract name that begins with @; at most 107 bytes. */
  readonly path: string;
  /** Who may write into it. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Longer messages are thrown away. */
const MESSAGE_MAX_BYTES = 4096;
const FIELDS = 5;
/** Messages per wake-up; the level-triggered pump calls again for the rest. */
const MESSAGES_PER_TURN = 32;

/** Opens a socket whose messages a pump delivers, one after the other. */
export function openNotifySocket(
  library: Library,
  pump: EventPump,
  options: NotifySocketOptions,
  onMessage: (message: NotifyMessage) => void,
): NotifySocket {
  const { path, mode, uid, gid } = options;
  const opened = library.pact_shim_notify_open(cText(path, "bind"), mode, uid, gid);
  const fd = check(opened, "bind", path);
  const buffer = new Uint8Array(MESSAGE_MAX_BYTES);
  const fields = new Int32Array(FIELDS);
  let open = true;

  function drain(): void {
    for (let turn = 0; turn < MESSAGES_PER_TURN && open && watch !== null; turn++) {
      const result = library.pact_shim_notify_read(fd, fields, buffer, MESSAGE_MAX_BYTES);
      if (check(result, "recvmsg", path) === 0) return;
      const [pid = 0, senderUid = 0, , bytes = 0, truncated = 0] = fields;
      if (truncated !== 0) continue;
      onMessage({ text: textOf(buffer.subarray(0, bytes)), pid, uid: senderUid >>> 0 });
    }
  }

  let watch = pump.watch(fd, drain) as { close(): void } | null;
  const pause = () => {
    watch?.close();
    watch = null;
  };
  return {
    path,
    pause,
    resume: () => {
      if (open) watch ??= pump.watch(fd, drain);
    },
    close: () => {
      if (!open) return;
      open = false;
      pause();
      check(library.pact_shim_close(fd), "close", path);
    },
  };
}

/** Sends one message to a socket such as NOTIFY_SOCKET names. Throws what sendto(2) says. */
export function sendNotification(library: Library, path: string, text: string): void {
  const bytes = bytesOf(text);
  const result = library.pact_shim_notify_send(cText(path, "sendto"), bytes, bytes.byteLength);
  check(result, "sendto", path);
}
