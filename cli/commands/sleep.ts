import { EXIT, Failure } from "../failure/mod.ts";
import type { CommandContext } from "./action.ts";

/**
 * Waits, unless the person has had enough.
 *
 * @throws {Failure} exit 130 after Ctrl-C.
 */
export async function sleep(
  { host, signal }: Pick<CommandContext, "host" | "signal">,
  delayMs: number,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const interrupt = () => reject(new Failure("INTERRUPTED", "interrupted", EXIT.interrupted, []));
  if (signal.aborted) return interrupt(), await promise;
  const timer = host.clock.setTimer(delayMs, resolve);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    await promise;
  } finally {
    host.clock.clearTimer(timer);
    signal.removeEventListener("abort", interrupt);
  }
}
