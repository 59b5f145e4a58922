import assert from "node:assert/strict";
import { createNetworkProber } from "../../../../agent/supervisor/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { freePort } from "../../../support/mod.ts";

const probeNetwork = createNetworkProber(systemClock);

Deno.test("agent.md 5.5: an Http probe wants a status of 2xx and follows no redirect", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const status = Number(new URL(request.url).pathname.slice(1));
    return status === 302
      ? new Response(null, { status, headers: { location: "/200" } })
      : new Response(status === 204 ? null : "x".repeat(100_000), { status });
  });
  const probe = (status: number) =>
    probeNetwork({ kind: "Http", url: `http://127.0.0.1:${server.addr.port}/${status}` });
  try {
    for (const status of [200, 204, 299]) assert.deepEqual((await probe(status)).ok, true);
    for (const status of [302, 404, 500, 503]) {
      const { ok, detail } = await probe(status);
      assert.equal(ok, false);
      assert.match(detail, new RegExp(`status ${status}$`));
    }
  } finally {
    await server.shutdown();
  }
});

Deno.test("agent.md 5.5: a Tcp probe wants its connection accepted", async () => {
  const port = await freePort();
  const refused = await probeNetwork({ kind: "Tcp", host: "127.0.0.1", port });
  assert.deepEqual(refused, { ok: false, detail: `connect 127.0.0.1:${port}: connection refused` });
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  assert.equal((await probeNetwork({ kind: "Tcp", host: "127.0.0.1", port })).ok, true);
  listener.close();
});

Deno.test("agent.md 5.5: an Http probe that gets no answer ends at its limit", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = await createNetworkProber(systemClock, { httpMs: 200, tcpMs: 200 })({
    kind: "Http",
    url: `http://127.0.0.1:${silent.addr.port}/`,
  });
  silent.close();
  assert.equal(answer.ok, false);
  assert.match(answer.detail, /no answer within 0.2 s/);
});
