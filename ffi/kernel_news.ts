import type { EventPump, Watch } from "./events.ts";
import { check, isErrno } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: the proc connector and the news of the mount table, each a descriptor watched in an event pump.
 * Each ends by `close`.
 */

/** What the kernel tells of processes. */
export type ProcessNews =
  | { readonly kind: "fork"; readonly pid: number; readonly parentPid: number }
  | { readonly kind: "exec"; readonly pid: number }
  /** Some news had to be dropped. */
  | { readonly kind: "lost" };

const BUFFER_BYTES = 4_096;
/** Reads per wake-up; the level-triggered pump calls again for the rest. */
const READS_PER_TURN = 256;
/** struct nlmsghdr and struct cn_msg, then struct proc_event: what, cpu, time, then its own. */
const EVENT_AT = 36;
const DATA_AT = EVENT_AT + 16;
const FORK = 0x1;
const EXEC = 0x2;

/** Hears of new processes and programs until closed. */
export function watchProcesses(
  library: Library,
  pump: EventPump,
  onNews: (news: ProcessNews) => void,
): Watch {
  const fd = check(library.pact_shim_process_news_open(), "proc connector");
  const buffer = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  let open = true;
  const watch = pump.watch(fd, () => {
    for (let turn = 0; turn < READS_PER_TURN && open; turn++) {
      const got = library.pact_shim_netlink_read(fd, buffer, BUFFER_BYTES);
      if (got === 0) return;
      if (isErrno(got, "ENOBUFS", "EMSGSIZE")) onNews({ kind: "lost" });
      else {
        const news = decodeProcess(view, check(got, "read", "proc connector"));
        if (news !== undefined) onNews(news);
      }
    }
  });
  return closing(library, fd, watch, () => open = false);
}

/** Hears of changes of the mount table until closed. */
export function watchMounts(library: Library, pump: EventPump, onChange: () => void): Watch {
  const fd = check(library.pact_shim_mount_watch_open(), "open", "/proc/self/mountinfo");
  return closing(library, fd, pump.watch(fd, () => onChange(), { urgent: true }), () => {});
}

function decodeProcess(view: DataView, byteCount: number): ProcessNews | undefined {
  if (byteCount < DATA_AT + 8) return undefined;
  const what = view.getUint32(EVENT_AT, true);
  if (what === EXEC) return { kind: "exec", pid: view.getInt32(DATA_AT + 4, true) };
  if (what !== FORK || byteCount < DATA_AT + 16) return undefined;
  const parentPid = view.getInt32(DATA_AT + 4, true);
  return { kind: "fork", pid: view.getInt32(DATA_AT + 12, true), parentPid };
}

function closing(library: Library, fd: number, watch: Watch, ended: () => void): Watch {
  let open = true;
  return {
    close: () => {
      if (!open) return;
      open = false;
      ended();
      watch.close();
      check(library.pact_shim_close(fd), "close", `descriptor ${fd}`);
    },
  };
}
