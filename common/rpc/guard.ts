/**
 * The HTTP/2 session guard.
 *
 * The runtime's node:http2 closes or destroys a session from inside the native callback that is
 * still reading that session's bytes (a GOAWAY calls `close`, the last stream's end calls
 * `destroy`). The native session is then freed under its own feet and the process aborts. The
 * guard moves `close` and `destroy` to the next turn of the event loop, where no native frame of
 * the session is on the stack:
 *
 * - for server sessions always, because any client can provoke the bad order;
 * - for client sessions once a GOAWAY has arrived. Before that a client calls them from its own
 *   code, where they are safe and where `destroyed` must be true right after.
 *
 * A second edge is closed here too: a session that was let go of while its connection failed reports
 * the failure afterwards, when nobody listens any more, and an `error` event without a listener ends
 * the process. Such late errors are dropped; whoever waited for the session has had its own.
 *
 * `tests/runtime/http2_goaway_test.ts` shows the crash without the guard and says when the runtime
 * no longer needs it.
 */

import * as http2 from "node:http2";
import type { Http2Session, ServerHttp2Session } from "node:http2";

/** The session classes that the runtime exports and Node's type declarations leave out. */
interface SessionClasses {
  Http2Session: { prototype: Http2Session };
  ServerHttp2Session: { prototype: ServerHttp2Session };
}

const installedMark = Symbol.for("pact.http2Guard");

/** Client sessions that were told to go away. Weak: a session's end is the entry's end. */
const goneAway = new WeakSet<object>();

/**
 * Makes `close` and `destroy` of HTTP/2 sessions safe for the rest of the process's life. Call it
 * first thing in every main file, before any session exists; further calls do nothing.
 *
 * @throws Error when the runtime no longer has the session classes: better to stop at start than
 * to run unguarded.
 */
export function installHttp2Guard(): void {
  const { Http2Session, ServerHttp2Session } = sessionClasses();
  const prototype = Http2Session.prototype;
  if (installedMark in prototype) return;

  const isServer = (session: object) =>
    Object.prototype.isPrototypeOf.call(ServerHttp2Session.prototype, session);
  const mustDefer = (session: object) => isServer(session) || goneAway.has(session);

  const close = prototype.close;
  const destroy = prototype.destroy;
  const emit = prototype.emit;

  Object.defineProperties(prototype, {
    [installedMark]: { value: true },
    close: override(function (this: Http2Session, callback?: () => void): void {
      if (mustDefer(this)) setImmediate(() => close.call(this, callback));
      else close.call(this, callback);
    }),
    destroy: override(function (this: Http2Session, error?: Error, code?: number): void {
      if (mustDefer(this)) setImmediate(() => destroy.call(this, error, code));
      else destroy.call(this, error, code);
    }),
  });
  Object.defineProperty(
    prototype,
    "emit",
    override(function (this: Http2Session, event: string | symbol, ...args: unknown[]): boolean {
      if (event === "goaway") goneAway.add(this);
      if (event === "error" && this.listenerCount("error") === 0) return false;
      return Reflect.apply(emit, this, [event, ...args]);
    }),
  );
}

/** Whether {@link installHttp2Guard} has run in this process. */
export function isHttp2GuardInstalled(): boolean {
  return installedMark in sessionClasses().Http2Session.prototype;
}

function override(value: (...args: never[]) => unknown): PropertyDescriptor {
  return { value, writable: true, configurable: true };
}

function sessionClasses(): SessionClasses {
  const candidate: object = http2;
  if (!hasSessionClasses(candidate)) {
    throw new Error(
      "node:http2 of this runtime exports no session classes, so the HTTP/2 guard cannot be " +
        "installed; run the Deno version that the project pins",
    );
  }
  return candidate;
}

function hasSessionClasses(module: object): module is SessionClasses {
  return "Http2Session" in module && "ServerHttp2Session" in module;
}
