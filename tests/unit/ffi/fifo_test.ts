import assert from "node:assert/strict";
import { isShimError, readPipe } from "../../../ffi/mod.ts";
import { tempDir, within, withShim } from "../../support/mod.ts";

Deno.test("a named pipe keeps what a program writes while nobody reads, and ends with the program", async () => {
  await using dir = await tempDir();
  await withShim(async ({ files, processes, startEvents }) => {
    const pump = startEvents();
    const path = dir.file("output");
    const output = files.openFifo(path, "both");
    const child = processes.spawn({
      executable: "/bin/sh",
      arguments: ["-c", "echo unread; sleep 0.2; echo read"],
      stdout: output,
    });
    const first = readPipe(files.openFifo(path, "read"));
    first.close();
    const reader = files.openFifo(path, "read");
    files.closeDescriptor(output);
    let text = "";
    const reading = (async () => {
      for await (const chunk of readPipe(reader)) text += new TextDecoder().decode(chunk);
    })();
    await within(reading, { what: "the end of the pipe" });
    assert.equal(text, "unread\nread\n");
    assert.deepEqual(await pump.exitOf(child), { kind: "exited", code: 0 });
    child.close();
    await pump.close();
  });
});

Deno.test("what stands where a named pipe should be is refused", async () => {
  await using dir = await tempDir();
  await withShim(({ files }) => {
    Deno.writeTextFileSync(dir.file("file"), "");
    Deno.symlinkSync("/dev/null", dir.file("link"));
    const refused = (name: string, code: "EOPNOTSUPP" | "ELOOP" | "ENOENT") =>
      assert.throws(
        () => files.openFifo(dir.file(name), "read"),
        (error) => isShimError(error, code),
      );
    refused("file", "EOPNOTSUPP");
    refused("link", "ELOOP");
    refused("none/x", "ENOENT");
  });
});

Deno.test("WDG: a pipe takes a write whole and at once, or says why not", async () => {
  await using dir = await tempDir();
  await withShim(({ files }) => {
    const both = files.openFifo(dir.file("pipe"), "both");
    const refused = (fd: number, bytes: Uint8Array, code: "EAGAIN" | "EINVAL") =>
      assert.throws(() => files.writePipe(fd, bytes), (error) => isShimError(error, code));
    refused(both, new Uint8Array(4097), "EINVAL");
    assert.throws(() => {
      for (let written = 0; written < 1024; written++) files.writePipe(both, new Uint8Array(4096));
    }, (error) => isShimError(error, "EAGAIN"));
    files.closeDescriptor(both);
  });
});
