/**
 * A service that notifies. Arguments: messages, each sent to NOTIFY_SOCKET, or `wait:PATH`, which waits
 * for a file; then it lives on.
 */
import { isShimError } from "../../../../ffi/mod.ts";
import { openTestShim, waitFor } from "../../../support/mod.ts";

const shim = await openTestShim();
const socket = Deno.env.get("NOTIFY_SOCKET") ?? "";
for (const message of Deno.args) {
  if (message.startsWith("wait:")) {
    const path = message.slice("wait:".length);
    await waitFor(() => shim.files.lstatIfPresent(path) ?? undefined, { what: path });
  } else await waitFor(() => trySend(message), { what: "room in the queue", timeoutMs: 20_000 });
}

/** A full queue is waited for, as a client whose socket blocks would. */
function trySend(message: string): true | undefined {
  try {
    shim.sendNotification(socket, message);
    return true;
  } catch (error) {
    if (isShimError(error, "EAGAIN")) return undefined;
    throw error;
  }
}

setInterval(() => {}, 60_000);
