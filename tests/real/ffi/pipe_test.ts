import assert from "node:assert/strict";
import { readPipe } from "../../../ffi/mod.ts";
import { waitFor, within, withShim } from "../../support/mod.ts";
import { assertNoNewDescriptors, openDescriptors, shell } from "../../unit/ffi/run_to_end.ts";

Deno.test("a hundred idle pipes leave file access and timers as fast as before", async () => {
  await withShim(async (shim) => {
    const children = Array.from(
      { length: 100 },
      () => shim.processes.spawn({ executable: "/bin/sleep", arguments: ["60"], stdout: "pipe" }),
    );
    const readers = children.map((child) => readPipe(child.stdout ?? -1));
    const reading = readers.map(async (reader) => {
      for await (const _ of reader) assert.fail("an idle pipe delivered something");
    });
    const files = Promise.all(
      Array.from({ length: 50 }, () => Deno.readTextFile("/etc/passwd")),
    );
    await within(files, { timeoutMs: 2000, what: "fifty files to be read beside idle pipes" });
    for (const reader of readers) reader.close();
    await within(Promise.all(reading), { what: "the readers to end" });
    const pump = shim.startEvents();
    await Promise.all(children.map((child) => {
      child.signal("SIGKILL");
      return pump.exitOf(child);
    }));
    for (const child of children) child.close();
    await pump.close();
  });
});

Deno.test("a reader that stops makes the writer wait, and reading on loses nothing", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const totalBytes = 4_000_000;
    const request = {
      executable: "/usr/bin/head",
      arguments: ["-c", `${totalBytes}`, "/dev/zero"],
    };
    const child = shim.processes.spawn({ ...request, stdout: "pipe" });
    const chunks = readPipe(child.stdout ?? -1, { chunkMaxBytes: 1000 })[Symbol.asyncIterator]();
    const first = await chunks.next();
    assert.ok(first.done !== true);
    let readBytes = first.value.byteLength;
    await waitFor(
      () =>
        /^State:\s+S/m.test(shim.files.readText(`/proc/${child.pid}/status`, { maxBytes: 8192 })),
      { what: "the writer to wait for the full pipe" },
    );
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      assert.ok(next.value.byteLength <= 1000);
      readBytes += next.value.byteLength;
    }
    assert.equal(readBytes, totalBytes);
    assert.deepEqual(await pump.exitOf(child), { kind: "exited", code: 0 });
    child.close();
    await pump.close();
  });
});

Deno.test("leaving the loop closes the pipe and the writer notices", async () => {
  await withShim(async (shim) => {
    const before = openDescriptors();
    const pump = shim.startEvents();
    const child = shim.processes.spawn(shell("while :; do echo line; done", { stdout: "pipe" }));
    for await (const chunk of readPipe(child.stdout ?? -1)) {
      assert.ok(chunk.byteLength > 0);
      break;
    }
    const status = await within(pump.exitOf(child), { what: "the writer's end" });
    assert.equal(status.kind === "signaled" && status.signalName, "SIGPIPE");
    child.close();
    await pump.close();
    await assertNoNewDescriptors(before);
  });
});
