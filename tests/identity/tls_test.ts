import assert from "node:assert/strict";
import { connect } from "node:tls";
import { createTestPki, type TestPki, waitFor } from "../support/mod.ts";
import { openJournalSite } from "../support/journal/mod.ts";

/** Writes a listener's certificate as an admin's tool does: beside, then renamed over. */
async function install(pki: TestPki, path: string): Promise<string> {
  const { fullChainPem, keyPem, serialHex } = await pki.server();
  const files = { "node.key": keyPem.reveal(), "node.crt": fullChainPem };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${path}/${name}.new`, text, { mode: 0o600 });
    await Deno.rename(`${path}/${name}.new`, `${path}/${name}`);
  }
  return serialHex;
}

/** The serial of the certificate that a new connection is shown. */
async function shownSerial(port: number, caPem: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port, ca: [caPem], ALPNProtocols: ["h2"] });
  socket.once("error", reject);
  socket.once("secureConnect", () => {
    resolve(socket.getPeerCertificate().serialNumber.toLowerCase());
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

Deno.test("CRT-8: a replaced certificate file is presented within seconds, without a signal and without dropping a stream", async () => {
  const pki = await createTestPki("site CA");
  const directory = await Deno.makeTempDir({ prefix: "pact-tls-" });
  try {
    const first = await install(pki, directory);
    await Deno.writeTextFile(`${directory}/ca.crt`, pki.caPem);
    await using site = await openJournalSite({
      toml: {
        journal: {
          tls: {
            cert: `${directory}/node.crt`,
            key: `${directory}/node.key`,
            ca: `${directory}/ca.crt`,
          },
        },
      },
    });
    const { rpcPort } = site.journal;
    assert.equal(await shownSerial(rpcPort, pki.caPem), first);
    const admin = site.dial({ caPem: pki.caPem, token: await site.token() });
    const stop = new AbortController();
    const updates = admin.boot.subscribeConfigUpdates(
      { fromSequence: 0n },
      { signal: stop.signal },
    )[Symbol.asyncIterator]();
    await admin.enrollment.registerNode({
      nodeId: "n1",
      hardwareIdentity: { macAddress: "02:00:00:00:00:01" },
    });
    await updates.next();

    const second = await install(pki, directory);
    await waitFor(async () => await shownSerial(rpcPort, pki.caPem) === second, {
      what: "the new certificate",
      timeoutMs: 20_000,
    });

    await admin.enrollment.registerNode({
      nodeId: "n2",
      hardwareIdentity: { macAddress: "02:00:00:00:00:02" },
    });
    const next = await updates.next();
    assert.equal(next.done, false, "over the stream of before");
    stop.abort();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("CRT-8: a certificate without its key leaves the former one in force, and says so", async () => {
  const pki = await createTestPki("site CA");
  const directory = await Deno.makeTempDir({ prefix: "pact-tls-" });
  try {
    const first = await install(pki, directory);
    const lines: string[] = [];
    const note = (text: string) => void lines.push(text);
    const log = { debug: note, info: note, warn: note, error: note, child: () => log };
    await using site = await openJournalSite({
      log,
      toml: { journal: { tls: { cert: `${directory}/node.crt`, key: `${directory}/node.key` } } },
    });
    const other = await pki.server();
    await Deno.writeTextFile(`${directory}/node.crt`, other.fullChainPem);
    await waitFor(() => lines.some((line) => line.includes("could not be renewed")), {
      what: "the log line",
      timeoutMs: 20_000,
    });
    assert.equal(await shownSerial(site.journal.rpcPort, pki.caPem), first);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
