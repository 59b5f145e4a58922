import { createHash } from "node:crypto";
import type { TimerHandle } from "../../common/clock/mod.ts";
import { isShimError, type NotifyMessage } from "../../ffi/mod.ts";
import type { Scope } from "../isolation/mod.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import { type Notification, readNotification } from "./readiness.ts";
import type { RunContext } from "./service_run.ts";

/*
 * Shell: owns the notification socket of one run of a service, and a timer while it is flooded. Ends by
 * `close`; what it was for, the file at its path, goes with the run or is found by the next agent.
 */

/** Takes what a service says of itself, from its own processes alone. */
export interface NotifyListener {
  /** NOTIFY_SOCKET and WATCHDOG_USEC. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where messages go from now on. */
  listen(listener: (notification: Notification) => void): void;
  /** Ends the listening; with `forget` its file goes too. */
  close(options?: { readonly forget?: boolean }): void;
}

/** More than this in a second is put off to the next one. */
const MESSAGES_PER_SECOND = 100;

/** Who a notification socket belongs to. */
export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Whether a service says anything of itself. */
export function isNotifying({ readiness, watchdogSeconds }: ServiceDeclaration): boolean {
  return readiness !== null || watchdogSeconds !== null;
}

/**
 * Opens the socket of a service.
 *
 * @throws {ShimError} when it cannot be: ENAMETOOLONG below a very long root
 */
export function openNotifyListener(
  { name, watchdogSeconds }: ServiceDeclaration,
  { uid, gid }: SocketOwner,
  scope: Scope,
  context: RunContext,
): NotifyListener {
  const { shim, events, clock } = context;
  const path = socketPath(name, context);
  let listener: (notification: Notification) => void = () => {};
  let pauseTimer: TimerHandle | null = null;
  let second = { startMs: clock.monotonicMs(), messages: 0 };

  const isFlooded = () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - second.startMs >= 1_000) second = { startMs: nowMs, messages: 0 };
    return ++second.messages >= MESSAGES_PER_SECOND;
  };
  const onMessage = (message: NotifyMessage) => {
    if (isFlooded() && pauseTimer === null) {
      socket.pause();
      pauseTimer = clock.setTimer(1_000, () => {
        pauseTimer = null;
        socket.resume();
      });
    }
    if (isOwn(message, scope)) listener(readNotification(message.text));
    else {
      context.log.warn("notification of a stranger ignored", { service: name, pid: message.pid });
    }
  };
  const socket = shim.openNotifySocket(events, { path, mode: 0o600, uid, gid }, onMessage);
  return {
    environment: {
      NOTIFY_SOCKET: path,
      ...(watchdogSeconds === null ? {} : { WATCHDOG_USEC: `${watchdogSeconds * 1_000_000}` }),
    },
    listen: (next) => listener = next,
    close: ({ forget = false } = {}) => {
      if (pauseTimer !== null) clock.clearTimer(pauseTimer);
      socket.close();
      if (forget) removeIfPresent(path, context);
    },
  };
}

/** The socket of a run of a former agent, whose file it left; null when it left none. */
export function reopenNotifyListener(
  declaration: ServiceDeclaration,
  scope: Scope,
  context: RunContext,
): NotifyListener | null {
  const found = context.shim.files.lstatIfPresent(socketPath(declaration.name, context));
  if (found === null || !isNotifying(declaration)) return null;
  return openNotifyListener(declaration, found, scope, context);
}

/** SCM_CREDENTIALS is the kernel's word; a process that has ended is nobody's. */
function isOwn({ pid }: NotifyMessage, scope: Scope): boolean {
  return pid > 0 && scope.contains(pid);
}

/** Names of services may be longer than the path of a socket (unix(7)). */
function socketPath(name: string, { notifyDirectory }: RunContext): string {
  const short = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${notifyDirectory}/${short}`;
}

function removeIfPresent(path: string, { shim }: RunContext): void {
  try {
    shim.files.unlink(path);
  } catch (error) {
    if (!isShimError(error, "ENOENT")) throw error;
  }
}
