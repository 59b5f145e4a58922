import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { isShimError, type Shim } from "../../ffi/mod.ts";

/*
 * Shell: what the agent tells systemd of itself, where it is a service of it (SYD-9). Owns one timer;
 * ends by `close`.
 */

export interface SystemdNotifierOptions {
  readonly shim: Pick<Shim, "sendNotification" | "system">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: (name: string) => string | undefined;
}

/** Tells nothing where nobody listens. */
export interface SystemdNotifier {
  /** The boot is complete. */
  ready(statusText: string): void;
  status(statusText: string): void;
  /** The agent is going down. */
  close(): void;
}

/** Begins with the watchdog's beats, for it counts from the start (sd_watchdog_enabled(3)). */
export function openSystemdNotifier(options: SystemdNotifierOptions): SystemdNotifier {
  const { shim, clock, log, env } = options;
  const socket = env("NOTIFY_SOCKET") ?? "";
  let timer: TimerHandle | undefined;
  let hasFailed = false;

  const tell = (...lines: string[]) => {
    if (socket === "") return;
    try {
      shim.sendNotification(socket, lines.join("\n"));
    } catch (error) {
      if (!isShimError(error)) throw error;
      if (!hasFailed) log.warn("systemd cannot be notified", { reason: error.message });
      hasFailed = true;
    }
  };
  const periodMs = watchdogMs(options) / 2;
  const beat = () => {
    tell("WATCHDOG=1");
    timer = clock.setTimer(periodMs, beat);
  };
  if (socket !== "" && periodMs > 0) beat();
  const oneLine = (text: string) => `STATUS=${text.replaceAll(/\s+/g, " ")}`;
  return {
    ready: (text) => tell("READY=1", oneLine(text)),
    status: (text) => tell(oneLine(text)),
    close: () => {
      if (timer !== undefined) clock.clearTimer(timer);
      tell("STOPPING=1", "STATUS=stopping");
    },
  };
}

/** How often systemd wants to hear of this process; 0 when it does not. */
function watchdogMs({ shim, env }: SystemdNotifierOptions): number {
  const usec = Number(env("WATCHDOG_USEC") ?? "0");
  const pid = env("WATCHDOG_PID");
  const isMeant = pid === undefined || Number(pid) === shim.system.ids().pid;
  return isMeant && Number.isSafeInteger(usec) && usec > 0 ? usec / 1000 : 0;
}
