import assert from "node:assert/strict";
import fc from "fast-check";
import { LineFramer } from "../../../../agent/supervisor/line_framer.ts";
import { ServiceLog, type ServiceLogOptions } from "../../../../agent/supervisor/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("LGX-1: lines do not depend on how the bytes came, and long ones are split", () => {
  const chunked = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
  fc.assert(fc.property(chunked, fc.integer({ min: 1, max: 16 }), (chunks, maxBytes) => {
    const byChunk = new LineFramer(maxBytes);
    const lines = [...chunks.flatMap((chunk) => byChunk.push(chunk)), ...byChunk.end()];
    const whole = new LineFramer(maxBytes);
    const all = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
    assert.deepEqual(lines.map(String), [...whole.push(all), ...whole.end()].map(String));
    assert.ok(lines.every((line) => line.length <= maxBytes));
    const newlines = all.filter((byte) => byte === 10).length;
    const kept = lines.reduce((sum, line) => sum + line.length, 0);
    assert.equal(kept, all.length - newlines, "nothing is lost");
  }));
});

async function withLog(
  changes: Partial<ServiceLogOptions>,
  test: (log: ServiceLog, directory: string, clock: VirtualClock) => Promise<void> | void,
): Promise<void> {
  await using dir = await tempDir();
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const log = new ServiceLog({ directory: dir.path, name: "a", clock, ...changes });
  try {
    await test(log, dir.path, clock);
  } finally {
    log.close();
  }
}

Deno.test("LGX-1: every line carries its time and stream", async () => {
  await withLog({}, (log, directory) => {
    log.append("stdout", bytes("one\ntw"));
    log.append("stderr", bytes("error\n"));
    log.append("stdout", bytes("o\n"));
    const time = "2026-11-21T00:00:00.000Z";
    assert.equal(
      Deno.readTextFileSync(`${directory}/a.log`),
      `${time} stdout one\n${time} stderr error\n${time} stdout two\n`,
    );
  });
});

Deno.test("LGX-2: two generations of bounded files, and the tail goes across both", async () => {
  await withLog({ fileMaxBytes: 1_000 }, (log, directory) => {
    for (let line = 0; line < 100; line++) log.append("stdout", bytes(`line ${line}\n`));
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["a.log", "a.log.1"]);
    for (const name of names) assert.ok(Deno.statSync(`${directory}/${name}`).size <= 1_000);
    const tail = log.tail(30).map((line) => line.split(" ").slice(2).join(" "));
    assert.deepEqual(
      tail,
      Array.from({ length: 30 }, (_, at) => `line ${at + 70}`).slice(-tail.length),
    );
    assert.ok(tail.length >= 20, "more than the newest file holds");
  });
});

Deno.test("LGX-2: beyond the total the oldest rotated file goes", async () => {
  await withLog({ fileMaxBytes: 500, totalMaxBytes: 1_200 }, (log, directory) => {
    Deno.writeFileSync(`${directory}/old.log.1`, new Uint8Array(600));
    Deno.utimeSync(`${directory}/old.log.1`, 0, 0);
    for (let line = 0; line < 40; line++) log.append("stdout", bytes(`line ${line}\n`));
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["a.log", "a.log.1"]);
  });
});

Deno.test("LGX-3: of a flood what is above the limit is counted and said so", async () => {
  await withLog({ drainBytesPerSecond: 4_200 }, (log, _directory, clock) => {
    for (let line = 0; line < 150; line++) log.append("stdout", bytes("12345678\n"));
    clock.advance(1_000);
    log.append("stdout", bytes("after\n"));
    const lines = log.tail(1_000).map((line) => line.split(" ").slice(1).join(" "));
    const kept = lines.filter((line) => line === "stdout 12345678").length;
    assert.equal(kept, 102, "4,200 bytes in lines of 41");
    assert.deepEqual(lines.slice(-2), ["pact 48 lines dropped", "stdout after"]);
  });
});

Deno.test("LGX-3: lines counted in passing are as many as lines read", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "\n") })), (chunks) => {
    const [reader, counter] = [new LineFramer(), new LineFramer()];
    for (const chunk of chunks) {
      assert.equal(counter.skip(bytes(chunk)), reader.push(bytes(chunk)).length);
    }
    assert.deepEqual(counter.end().map(String), reader.end().map(String));
  }));
});

Deno.test("LGX-4: a follower sees the tail and everything after it, rotation or not", async () => {
  await withLog({ fileMaxBytes: 300 }, async (log) => {
    log.append("stdout", bytes("before\nlast\n"));
    const seen: string[] = [];
    const following = (async () => {
      for await (const line of log.read({ tailLines: 1, follow: true })) {
        seen.push(line.split(" ").slice(2).join(" "));
      }
    })();
    for (let line = 0; line < 50; line++) {
      await Promise.resolve();
      log.append("stdout", bytes(`line ${line}\n`));
    }
    log.close();
    await following;
    assert.deepEqual(seen, ["last", ...Array.from({ length: 50 }, (_, at) => `line ${at}`)]);
  });
});
