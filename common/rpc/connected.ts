import type { EventEmitter } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemClock } from "../clock/mod.ts";

/** A socket, or a session on one. */
type Connecting = EventEmitter & { readonly destroyed: boolean };

/** Which event of it says that it is connected, to whom, and how long that may take. */
export interface Connected {
  readonly event: "connect" | "secureConnect";
  readonly authority: string;
  readonly timeoutMs: number;
}

/**
 * Settles when a connection is up, failed, gone, or late. Its errors are heard from then on: without
 * a listener a later one would end the process.
 *
 * @throws ConnectError Unavailable, or what the connection failed with.
 */
export async function connected(
  connection: Connecting,
  { event, authority, timeoutMs }: Connected,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const unavailable = (what: string) => new ConnectError(what, Code.Unavailable);
  const timer = systemClock.setTimer(
    timeoutMs,
    () => reject(unavailable(`no connection to ${authority} within ${timeoutMs} ms`)),
  );
  // The first error is the reason; later ones have nobody to tell.
  connection.on("error", reject);
  connection.once("close", () => reject(unavailable(`${authority} ended the connection`)));
  connection.once(event, () => {
    // A session that failed while connecting says that it is connected before its error.
    if (!connection.destroyed) resolve();
  });
  try {
    await promise;
  } finally {
    systemClock.clearTimer(timer);
  }
}
