import assert from "node:assert/strict";
import { serveRpc } from "../../../../common/rpc_server/mod.ts";
import { createTestPki, within } from "../../../support/mod.ts";
import { bytes, dialEcho, echoRoutes, serveEcho } from "../rpc/fixture.ts";

const ELSEWHERE = "127.0.0.2";
const everywhere = {
  listen: { hostname: "0.0.0.0", port: 0 },
  servesOn: (localAddress: string) => localAddress !== ELSEWHERE,
};

/** What a server says to one that begins to speak; undefined when it hangs up. */
async function answerAt(
  hostname: string,
  port: number,
  words: string,
): Promise<string | undefined> {
  using connection = await Deno.connect({ hostname, port });
  try {
    await connection.write(bytes(words));
    const buffer = new Uint8Array(64);
    const count = await connection.read(buffer);
    return count === null ? undefined : new TextDecoder().decode(buffer.subarray(0, count));
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return undefined;
    if (error instanceof Deno.errors.BrokenPipe) return undefined;
    throw error;
  }
}

Deno.test("NET-12: a listener on every address serves those it is told to, and hangs up on others", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, everywhere);
  for (let round = 0; round < 20; round++) {
    const answer = answerAt(ELSEWHERE, server.port, "\x16\x03\x01");
    assert.equal(await within(answer, { what: "the end of the connection" }), undefined);
  }
  using caller = dialEcho(server, { caPem: pki.caPem });
  assert.deepEqual((await caller.client.echo({ value: bytes("x") })).value, bytes("x"));
  assert.equal(server.sessionCount, 1);
  using refused = dialEcho(server, {
    caPem: pki.caPem,
    endpoint: `https://${ELSEWHERE}:${server.port}`,
  });
  await assert.rejects(refused.client.echo({ value: bytes("x") }, { timeoutMs: 5_000 }));
});

Deno.test("NET-12: the same without TLS", async () => {
  await using server = await serveRpc({ name: "test", routes: echoRoutes(), ...everywhere });
  const words = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
  assert.match(await answerAt("127.0.0.1", server.port, words) ?? "", /^HTTP\/1\.1 404/);
  const answer = answerAt(ELSEWHERE, server.port, words);
  assert.equal(await within(answer, { what: "the end of the connection" }), undefined);
});
