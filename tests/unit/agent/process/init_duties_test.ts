import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type InitDuties, openInitDuties } from "../../../../agent/process/mod.ts";
import { agentport } from "../../../../api/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { type EventPump, readPipe, type Shim } from "../../../../ffi/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { openTestShim, tempDir, waitFor } from "../../../support/mod.ts";

interface Rig {
  readonly duties: InitDuties;
  readonly directory: string;
  readonly logged: readonly string[];
  said(): string;
}

/** The duties of an agent whose PID 1 is a pipe, below a root directory of its own. */
async function withDuties(
  environment: Readonly<Record<string, string>>,
  config: MessageInitShape<typeof agentport.AgentConfigSchema>,
  test: (rig: Rig) => void | Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  await Deno.mkdir(dir.file("dev"));
  const shim: Shim = await openTestShim();
  const events: EventPump = shim.startEvents();
  const beatFd = shim.files.openFifo(dir.file("pipe"), "both");
  const pipe = readPipe(shim.files.openFifo(dir.file("pipe"), "read"));
  let text = "";
  const reading = (async () => {
    for await (const chunk of pipe) text += new TextDecoder().decode(chunk);
  })();
  const env: Record<string, string> = { PACT_INIT_BEAT_FD: `${beatFd}`, ...environment };
  const logged: string[] = [];
  const clock = new VirtualClock();
  try {
    const duties = openInitDuties({
      env: (name) => env[name],
      shim,
      events,
      clock,
      config: create(agentport.AgentConfigSchema, {
        root: dir.path,
        watchdogEnabled: true,
        watchdogTimeoutSeconds: 40,
        ...config,
      }),
      log: createLogger({
        component: "agent",
        level: "info",
        format: "text",
        nowMs: clock.nowMs.bind(clock),
        write: (line) => void logged.push(line),
      }),
      onUpgrade: () => {},
    });
    assert.ok(duties !== undefined);
    await test({ duties, directory: dir.path, logged, said: () => text });
  } finally {
    pipe.close();
    await reading;
    shim.files.closeDescriptor(beatFd);
    await events.close();
    shim.close();
  }
}

const recordsOf = (duties: InitDuties) => {
  const records: string[] = [];
  duties.report((action, detail, outcome = "Success") =>
    void records.push(`${action} ${outcome}: ${detail}`)
  );
  return records;
};

Deno.test("WDG-2, WDG-3: PID 1 hears the configured timeout, and the log that boot is guarded", async () => {
  await withDuties({ PACT_INIT_WATCHDOG: "30" }, {}, async ({ duties, logged, said }) => {
    duties.begin();
    duties.nodeOptions().beat();
    await waitFor(() => said() === "0D40WB", { what: "timeout and beat" });
    assert.equal(duties.nodeOptions().longestTickMs, 20_000, "WDG-4: half the timeout");
    assert.ok(logged.some((line) => /boot watchdog petter started watchdog=30/.test(line)));
  });
});

Deno.test("agent.watchdog.device: PID 1 hears which one, and its lack is told by its name", async () => {
  const config = { watchdogDevice: "/dev/watchdog1", watchdogRequired: true };
  await withDuties({}, config, async ({ duties, directory, said }) => {
    duties.begin();
    await waitFor(() => said() === "1D40W", { what: "device and timeout" });
    await Deno.writeTextFile(`${directory}/dev/watchdog`, "");
    assert.deepEqual(duties.texts(), [`watchdog: no ${directory}/dev/watchdog1 (no_watchdog)`]);
    assert.throws(() => duties.checkHardware(), /no .*\/dev\/watchdog1 and/);
    await Deno.writeTextFile(`${directory}/dev/watchdog1`, "");
    duties.checkHardware();
  });
});

Deno.test("agent.watchdog.enabled = false has the watchdog disarmed, and nothing is missed", async () => {
  await withDuties({}, { watchdogEnabled: false, watchdogRequired: true }, async (rig) => {
    rig.duties.begin();
    await waitFor(() => rig.said() === "0W", { what: "the end of the watchdog" });
    assert.deepEqual(rig.duties.texts(), []);
    rig.duties.checkHardware();
  });
});

Deno.test("CTX-6: a node without a watchdog goes on with a mark, unless it must have one", async () => {
  await withDuties({ PACT_INIT_WATCHDOG: "none" }, {}, async ({ duties, directory, logged }) => {
    duties.begin();
    assert.deepEqual(duties.texts(), [`watchdog: no ${directory}/dev/watchdog (no_watchdog)`]);
    duties.checkHardware();
    assert.ok(logged.some((line) => / WARN .*no watchdog/.test(line)));
    await Deno.writeTextFile(`${directory}/dev/watchdog`, "");
    assert.deepEqual(duties.texts(), [], "one that a module has brought meanwhile");
  });
  await withDuties({}, { watchdogRequired: true }, ({ duties }) => {
    assert.throws(() => duties.checkHardware(), /no .*\/dev\/watchdog and agent.watchdog.required/);
  });
});

Deno.test("INI-30, WDG-9: why an agent was started goes on record", async () => {
  await withDuties(
    { PACT_INIT_FORMER: "none" },
    {},
    ({ duties }) => assert.deepEqual(recordsOf(duties), []),
  );
  await withDuties(
    { PACT_INIT_WATCHDOG: "30 fired" },
    {},
    ({ duties }) =>
      assert.deepEqual(recordsOf(duties), [
        "boot.watchdog_timeout Success: the watchdog has reset this node",
      ]),
  );
  await withDuties(
    { PACT_INIT_WATCHDOG: "30 fired", PACT_INIT_FORMER: "signal 9" },
    {},
    ({ duties }) =>
      assert.deepEqual(recordsOf(duties), [
        "boot.self_restart Failure: the agent before this one ended: signal 9",
      ], "the reset is on record already"),
  );
  await withDuties(
    { PACT_INIT_FORMER: "upgrade" },
    {},
    ({ duties }) =>
      assert.deepEqual(recordsOf(duties), [
        "boot.self_restart Success: the agent before this one ended: upgrade",
      ]),
  );
});

Deno.test("design 2: an agent on whom SIGUSR1 is not blocked says so", async () => {
  await withDuties({}, {}, ({ duties, logged }) => {
    duties.begin();
    assert.ok(logged.some((line) => / WARN .*SIGUSR1 is not blocked/.test(line)));
  });
});
