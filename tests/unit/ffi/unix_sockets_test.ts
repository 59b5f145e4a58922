import assert from "node:assert/strict";
import { isShimError, type Shim, type UnixConnection } from "../../../ffi/mod.ts";
import { tempDir, waitFor, withShim } from "../../support/mod.ts";

interface Scene {
  readonly shim: Shim;
  readonly path: string;
  readonly accepted: UnixConnection[];
}

/** A listener that keeps what connects. */
async function scene(test: (scene: Scene) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const accepted: UnixConnection[] = [];
    const path = dir.file("test.sock");
    const listener = shim.sockets.listen(path, { mode: 0o600 }, pump, (connection) => {
      accepted.push(connection);
    });
    try {
      await test({ shim, path, accepted });
    } finally {
      for (const connection of accepted) connection.close();
      listener.close();
      await pump.close();
    }
  });
}

Deno.test("NS-12: a listener has exactly its mode and knows who connects", () =>
  scene(async ({ shim, path, accepted }) => {
    assert.equal(shim.files.lstat(path).mode & 0o777, 0o600);
    const client = await Deno.connect({ transport: "unix", path });
    const connection = await waitFor(() => accepted[0], { what: "the connection" });
    const { pid, uid, gid } = connection.peer;
    const ids = shim.system.ids();
    assert.deepEqual([pid, uid, gid], [ids.pid, ids.uid, ids.gid]);
    client.close();
  }));

Deno.test("bytes go both ways, and the end of a peer is told once", () =>
  scene(async ({ path, accepted }) => {
    const client = await Deno.connect({ transport: "unix", path });
    const connection = await waitFor(() => accepted[0], { what: "the connection" });
    let text = "";
    let ends = 0;
    connection.start({
      onData: (bytes) => text += new TextDecoder().decode(bytes),
      onEnd: () => ends++,
    });
    await client.write(new TextEncoder().encode("hello"));
    await waitFor(() => text === "hello", { what: "the bytes" });
    assert.ok(connection.send(new TextEncoder().encode("world")));
    const buffer = new Uint8Array(16);
    assert.equal(await client.read(buffer), 5);
    client.close();
    await waitFor(() => ends === 1, { what: "the end" });
    assert.equal(connection.send(new Uint8Array([1])), false);
  }));

Deno.test("a peer that does not read is told from one that does, without waiting for it", () =>
  scene(async ({ path, accepted }) => {
    const client = await Deno.connect({ transport: "unix", path });
    const connection = await waitFor(() => accepted[0], { what: "the connection" });
    const chunk = new Uint8Array(65_536);
    let sent = 0;
    while (sent < 1024 && connection.send(chunk)) sent++;
    assert.ok(sent > 0 && sent < 1024, `${sent}`);
    client.close();
  }));

Deno.test("PATH-22: a live socket file is told from one that a dead process left", () =>
  scene(async ({ shim, path }) => {
    assert.equal(shim.sockets.isAlive(path), true);
    assert.equal(shim.sockets.isAlive(`${path}.none`), false);
    const pump = shim.startEvents();
    const left = `${path}.left`;
    shim.sockets.listen(left, { mode: 0o600 }, pump, () => {}).close();
    assert.equal(shim.sockets.isAlive(left), false);
    assert.throws(
      () => shim.sockets.listen(left, { mode: 0o600 }, pump, () => {}),
      (error) => isShimError(error, "EADDRINUSE"),
    );
    await pump.close();
  }));

Deno.test("only the file of a namespace is opened as one, and real paths have no links", () =>
  withShim(async (shim) => {
    await using dir = await tempDir();
    const fd = shim.sockets.openNamespace("/proc/self/ns/net");
    shim.files.closeDescriptor(fd);
    assert.throws(
      () => shim.sockets.openNamespace("/proc/self/status"),
      (error) => isShimError(error, "EINVAL"),
    );
    await Deno.symlink("/proc/self/../version", dir.file("link"));
    assert.equal(shim.files.realPath(dir.file("link")), "/proc/version");
  }));
