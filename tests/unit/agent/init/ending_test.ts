import assert from "node:assert/strict";
import { endingOf, initFacts, STOP_SIGNALS } from "../../../../agent/init/mod.ts";

Deno.test("INI-33: under PID 1 a signal ends the machine, its services first", () => {
  const under = { isInit: true, keepServices: false };
  const ends = STOP_SIGNALS.map((signal) => endingOf(signal, under));
  const [reboot, powerOff] = ["reboot", "powerOff"].map((machine) => ({
    keepServices: false,
    machine,
  }));
  assert.deepEqual(ends, [reboot, reboot, powerOff, powerOff]);
  assert.equal(endingOf("SIGTERM", { isInit: true, keepServices: true }).keepServices, false);
});

Deno.test("SHD-3: elsewhere the machine goes on, and services on request", () => {
  const beside = (keepServices: boolean) =>
    STOP_SIGNALS.map((signal) => endingOf(signal, { isInit: false, keepServices }));
  assert.deepEqual(beside(false).map(({ keepServices }) => keepServices), [
    false,
    false,
    false,
    true,
  ]);
  assert.equal(beside(true).every(({ keepServices }) => keepServices), true);
  assert.equal(beside(true).some(({ machine }) => machine !== undefined), false);
});

Deno.test("INI-0: what PID 1 says is read strictly; an agent without a pipe to it is not its own", () => {
  const facts = (given: Record<string, string>) => initFacts((name) => given[name]);
  assert.equal(facts({}), undefined);
  assert.equal(facts({ PACT_INIT_BEAT_FD: "x" }), undefined);
  assert.deepEqual(facts({ PACT_INIT_BEAT_FD: "3", PACT_INIT_WATCHDOG: "none" }), {
    beatFd: 3,
    watchdogSeconds: null,
    hasWatchdogFired: false,
    formerEnd: null,
  });
  assert.deepEqual(
    facts({
      PACT_INIT_BEAT_FD: "3",
      PACT_INIT_WATCHDOG: "30 fired",
      PACT_INIT_FORMER: "signal 9",
    }),
    { beatFd: 3, watchdogSeconds: 30, hasWatchdogFired: true, formerEnd: "signal 9" },
  );
});
