/*
 * Shell: an agent of a node that has to stay up and cannot be configured (ACF-1). It beats and keeps a
 * login on the console, so that somebody can put it right. Owns shim, events, login and a timer; ends
 * when a signal asks: to end the machine, or by SIGHUP to begin anew.
 */

import { systemClock } from "../../common/clock/mod.ts";
import { createLogger } from "../../common/log/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import { openShim } from "../../ffi/mod.ts";
import { ConsoleLogin, endingOf, type InitFacts, InitLink, type StopSignal } from "../init/mod.ts";
import { openIsolation } from "../isolation/mod.ts";

const BEAT_MS = 2_000;

/** What asks a stranded agent to end. */
export type StrandedEnd = StopSignal | "SIGHUP";

/** Holds the node until it is told to end, or to begin anew; `reason` is for whoever gets in. */
export async function holdNode(
  facts: InitFacts,
  reason: string,
  ended: Promise<StrandedEnd>,
): Promise<void> {
  const log = createLogger({
    component: "agent",
    level: "info",
    format: "text",
    nowMs: systemClock.nowMs,
    write: (line) => console.error(line),
  });
  log.error("the node is held: it cannot be configured", { reason });
  log.info("put it right on the console, then: kill -HUP 1");
  const shim = openShim({ mode: "production" });
  const events = shim.startEvents({
    onHandlerError: (error) => log.error("event handler failed", { error: String(error) }),
  });
  const link = new InitLink({ files: shim.files, clock: systemClock, log, facts });
  const beats = setInterval(() => link.beat(), BEAT_MS);
  link.beat();
  const { cgroupRoot, state } = nodePaths();
  Deno.mkdirSync(state, { recursive: true, mode: 0o700 });
  const login = new ConsoleLogin({
    shim,
    events,
    clock: systemClock,
    log,
    isolation: await openIsolation({ shim, clock: systemClock, cgroupRoot }),
    command: [],
    recordPath: `${state}/console`,
  });
  login.start();
  const signal = await ended;
  login.close();
  clearInterval(beats);
  await events.close();
  if (signal === "SIGHUP") link.announceUpgrade();
  else link.end(endingOf(signal, { isInit: true, keepServices: false }).machine ?? "reboot");
  shim.close();
}
