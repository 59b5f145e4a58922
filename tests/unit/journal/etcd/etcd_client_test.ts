import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { etcd } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { serveRpc } from "../../../../common/rpc_server/mod.ts";
import { EtcdClient } from "../../../../journal/etcd/etcd_client.ts";

/** A client of etcd's members that listen on these ports, in cleartext. */
function clientOf(...ports: number[]): EtcdClient {
  return new EtcdClient({
    endpoints: ports.map((port) => `http://127.0.0.1:${port}`),
    tls: () => ({}),
    requestTimeoutMs: 5_000,
    clock: systemClock,
  });
}

Deno.test("JRN-60: what a member of etcd answers by itself does not end the want of a quorum", async () => {
  let hasQuorum = false;
  await using member = await serveRpc({
    name: "etcd",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) => {
      router.rpc(etcd.KV.method.range, () => {
        if (!hasQuorum) throw new ConnectError("etcdserver: no leader", Code.Unavailable);
        return {};
      });
      router.rpc(etcd.Maintenance.method.status, () => ({ dbSize: 7n }));
    },
  });
  const client = clientOf(member.port);
  const read = () => client.call(({ kv }, options) => kv.range({}, options));
  try {
    await assert.rejects(read, /no leader; is it running, and has it a quorum\?/);
    const { dbSize } = await client.look(({ maintenance }, options) =>
      maintenance.status({}, options)
    );
    assert.equal(dbSize, 7n);
    assert.match(client.trouble ?? "", /no leader/);
    hasQuorum = true;
    await read();
    assert.equal(client.trouble, undefined);
  } finally {
    client.close();
  }
});

Deno.test("JRN-60: a call that was begun before etcd had its quorum back makes no trouble when it fails", async () => {
  const isAsked = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  await using member = await serveRpc({
    name: "etcd",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) => {
      router.rpc(etcd.KV.method.range, () => ({}));
      router.rpc(etcd.KV.method.compact, async () => {
        isAsked.resolve();
        await ending.promise;
        throw new ConnectError("etcdserver: request timed out", Code.Unavailable);
      });
    },
  });
  const client = clientOf(member.port);
  const compact = () => client.call(({ kv }, options) => kv.compact({}, options));
  try {
    const older = compact();
    await isAsked.promise;
    await client.call(({ kv }, options) => kv.range({}, options));
    ending.resolve();
    await assert.rejects(older, /timed out/);
    assert.equal(client.trouble, undefined);
    await assert.rejects(compact(), /timed out/);
    assert.match(client.trouble ?? "", /timed out/);
  } finally {
    client.close();
  }
});

Deno.test("JRN-60: that one member of etcd is down is no trouble while another one answers", async () => {
  await using member = await serveRpc({
    name: "etcd",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) => {
      router.rpc(etcd.Maintenance.method.status, () => ({ dbSize: 7n }));
    },
  });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  const client = clientOf(port, member.port);
  try {
    await client.look(({ maintenance }, options) => maintenance.status({}, options));
    assert.equal(client.trouble, undefined);
  } finally {
    client.close();
  }
});
