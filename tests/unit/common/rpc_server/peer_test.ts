import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import * as tls from "node:tls";
import { type Peer, PeerDirectory } from "../../../../common/rpc_server/peer.ts";
import { PeerTrust } from "../../../../common/tls/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { createTestPki, needing, type TempDir, tempDir } from "../../../support/mod.ts";

const hasOpenssl = await new Deno.Command("openssl", { args: ["version"] }).output()
  .then(({ success }) => success, () => false);

/** Connects with openssl, which keeps its TLS session in a file and can resume it. */
async function connect(port: number, dir: TempDir, args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("openssl", {
    args: [
      "s_client",
      "-ign_eof",
      ...["-connect", `127.0.0.1:${port}`],
      ...["-cert", dir.file("node.crt"), "-key", dir.file("node.key")],
      ...args,
    ],
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  ...needing(
    hasOpenssl,
    "openssl",
    "CRT-1: a session that is resumed after its CA left the bundle is not authorized",
  ),
  fn: async () => {
    await using dir = await tempDir();
    const [old, next] = [await createTestPki("old CA"), await createTestPki("next CA")];
    const [node, server] = [await old.agent(), await old.server()];
    await Deno.writeTextFile(dir.file("node.crt"), node.certPem);
    await Deno.writeTextFile(dir.file("node.key"), node.keyPem.reveal());
    const clock = new VirtualClock(Date.now());
    const peers = new PeerDirectory(clock);
    peers.setTrust(new PeerTrust({ caPem: old.caPem }));
    const seen: Peer[] = [];
    const context = { cert: server.certPem, key: server.keyPem.reveal() };
    const listener = tls.createServer({
      ...context,
      ca: [old.caPem],
      requestCert: true,
      rejectUnauthorized: false,
    }, (socket) => {
      const session = { socket };
      peers.connected(session);
      seen.push(peers.ofSession(session));
      socket.on("error", () => {});
      socket.end("seen\n");
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as AddressInfo;

    const session = dir.file("session");
    assert.match(await connect(port, dir, ["-sess_out", session]), /^New, /m);
    assert.match(await connect(port, dir, ["-sess_in", session]), /^Reused, /m);
    listener.setSecureContext({ ...context, ca: [next.caPem] });
    peers.setTrust(new PeerTrust({ caPem: next.caPem }));
    assert.match(await connect(port, dir, ["-sess_in", session]), /^Reused, /m);
    clock.advance(60_000);
    assert.match(await connect(port, dir, ["-sess_in", session]), /^Reused, /m);
    listener.close();

    assert.deepEqual(seen.map(({ authorized }) => authorized), [true, true, false, false]);
  },
});
