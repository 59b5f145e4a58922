import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { etcd } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { serveRpc } from "../../../../common/rpc_server/mod.ts";
import { EtcdClient } from "../../../../journal/etcd/etcd_client.ts";

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
  const client = new EtcdClient({
    endpoints: [`http://127.0.0.1:${member.port}`],
    tls: () => ({}),
    requestTimeoutMs: 5_000,
    clock: systemClock,
  });
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
