import { type EventPump, isShimError, type Process, type Shim, type Watch } from "../../ffi/mod.ts";

/*
 * Shell: owns a pidfd and its watch for the main process of every service. Ends by `close`.
 */

/** Notices ends of processes that are systemd's children, so that nobody has to ask all the time. */
export interface MainProcesses {
  /** These are the main processes now; 0 is none. */
  follow(pids: ReadonlyMap<string, number>): void;
  close(): void;
}

interface Followed {
  readonly process: Process;
  readonly watch: Watch;
}

/** @param onEnd called after each end of a followed process */
export function followMainProcesses(
  shim: Shim,
  events: EventPump,
  onEnd: () => void,
): MainProcesses {
  const followed = new Map<string, Followed>();

  const forget = (service: string) => {
    const found = followed.get(service);
    if (found === undefined) return;
    followed.delete(service);
    found.watch.close();
    found.process.close();
  };
  const begin = (service: string, pid: number) => {
    try {
      const process = shim.processes.adopt(pid);
      const watch = events.watch(process.pidfd, () => {
        forget(service);
        onEnd();
      }, { once: true });
      followed.set(service, { process, watch });
    } catch (error) {
      // It has ended already; the next look shows it.
      if (!isShimError(error, "ESRCH")) throw error;
    }
  };
  return {
    follow: (pids) => {
      for (const service of [...followed.keys()]) {
        if (followed.get(service)?.process.pid !== pids.get(service)) forget(service);
      }
      for (const [service, pid] of pids) {
        if (pid > 0 && !followed.has(service)) begin(service, pid);
      }
    },
    close: () => {
      for (const service of [...followed.keys()]) forget(service);
    },
  };
}
