import assert from "node:assert/strict";
import { InitLink } from "../../../../agent/init/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { readPipe } from "../../../../ffi/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";

interface Rig {
  readonly link: InitLink;
  readonly clock: VirtualClock;
  readonly logged: string[];
  /** Resolves when PID 1's end has read this and nothing else. */
  reads(text: string): Promise<void>;
}

/** A link whose other end is a real pipe. */
async function withLink(test: (rig: Rig) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  await withShim(async ({ files }) => {
    const clock = new VirtualClock();
    const logged: string[] = [];
    const log = createLogger({
      component: "agent",
      level: "info",
      format: "text",
      nowMs: clock.nowMs.bind(clock),
      write: (line) => void logged.push(line),
    });
    const beatFd = files.openFifo(dir.file("pipe"), "both");
    const facts = { beatFd, watchdogSeconds: 30, hasWatchdogFired: false, formerEnd: null };
    const pipe = readPipe(files.openFifo(dir.file("pipe"), "read"));
    let text = "";
    const reading = (async () => {
      for await (const chunk of pipe) text += new TextDecoder().decode(chunk);
    })();
    const link = new InitLink({ files, clock, log, facts });
    const reads = async (wanted: string) => {
      await waitFor(() => text.length >= wanted.length, { what: `${wanted} after ${text}` });
      assert.equal(text, wanted);
      text = "";
    };
    try {
      await test({ link, clock, logged, reads });
    } finally {
      pipe.close();
      await reading;
      files.closeDescriptor(beatFd);
    }
  });
}

Deno.test("WDG: beats and the watchdog's timeout reach PID 1", async () => {
  await withLink(async ({ link, reads }) => {
    link.setWatchdog({ number: 1, seconds: 45 });
    link.beat();
    link.beat();
    link.setWatchdog("off");
    await reads("1D45WBB0W");
    link.announceUpgrade();
    await reads("U");
  });
});

Deno.test("SHD-2, WDG: an agent that stops beats until it has, and not for ever", async () => {
  await withLink(async ({ link, clock, reads }) => {
    link.keepBeating();
    clock.advance(2_500);
    await reads("BBB");
    link.end("powerOff");
    await reads("P");
    assert.equal(clock.pendingTimers, 0);

    link.keepBeating();
    clock.advance(600_000);
    assert.equal(clock.pendingTimers, 0, "a stop that hangs is left to the watchdog");
    await reads("B".repeat(141));
    link.end("reboot");
    await reads("R");
  });
});

Deno.test("WDG-7: a PID 1 that does not listen is an error to tell once, never one to fail by", async () => {
  await using dir = await tempDir();
  await withShim(({ files }) => {
    const clock = new VirtualClock();
    const logged: string[] = [];
    const log = createLogger({
      component: "agent",
      level: "info",
      format: "text",
      nowMs: clock.nowMs.bind(clock),
      write: (line) => void logged.push(line),
    });
    const beatFd = files.openFifo(dir.file("pipe"), "both");
    const facts = { beatFd, watchdogSeconds: null, hasWatchdogFired: false, formerEnd: null };
    const link = new InitLink({ files, clock, log, facts });
    for (let beat = 0; beat < 70_000; beat++) link.beat();
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? "", /ERROR .*PID 1 not told .*temporarily unavailable/);
    files.closeDescriptor(beatFd);
  });
});
