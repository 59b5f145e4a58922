import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { SecretPem } from "../../../../common/secret/mod.ts";
import { connectEtcd, EtcdError, type EtcdSettings } from "../../../../journal/etcd/mod.ts";
import { createTestPki } from "../../../support/mod.ts";
import { type EtcdSite, etcdTest, openEtcdSite } from "../../../support/etcd/mod.ts";

const MEMBERS = [{ id: 1, raft: "localhost:9444", api: "localhost:9443" }];

function settingsOf(site: EtcdSite, prefix = "/pact/test"): EtcdSettings {
  const { ca, cert, key } = site.files;
  return {
    endpoints: site.endpoints,
    tls: () => ({
      caPem: Deno.readTextFileSync(ca),
      certPem: Deno.readTextFileSync(cert),
      keyPem: new SecretPem(Deno.readTextFileSync(key)),
    }),
    requestTimeoutMs: 2_000,
    prefix,
    leaseTtlSeconds: 2,
    compactsHistory: true,
  };
}

etcdTest(
  "demand 11: a prefix is founded once, and belongs to its cluster from then on",
  async () => {
    await using site = await openEtcdSite();
    const settings = settingsOf(site);
    const connect = (options: { clusterId?: string; isFounder?: boolean }) =>
      connectEtcd({
        settings,
        clock: systemClock,
        ...options.clusterId !== undefined && { clusterId: options.clusterId },
        ...options.isFounder && { founding: { members: MEMBERS } },
      });
    const before = await connect({});
    before.client.close();
    assert.equal(before.overview.mark, undefined);
    const [one, other] = await Promise.all([
      connect({ isFounder: true }),
      connect({ isFounder: true }),
    ]);
    one.client.close();
    other.client.close();
    assert.ok(one.overview.mark);
    assert.deepEqual(one.overview.mark, other.overview.mark);
    assert.equal(one.overview.head.lastIndex, 1);
    await assert.rejects(connect({ clusterId: "another" }), (error) => {
      assert.ok(error instanceof EtcdError);
      assert.match(
        error.message,
        /etcd holds cluster .* below \/pact\/test, and the data directory belongs to cluster another/,
      );
      return true;
    });
  },
);

etcdTest(
  "demand 11: an etcd that does not know the journal's certificate refuses it, and the start says so",
  async () => {
    await using site = await openEtcdSite();
    const stranger = await (await createTestPki("another CA")).member(1);
    const settings = {
      ...settingsOf(site),
      tls: () => ({
        caPem: Deno.readTextFileSync(site.files.ca),
        certPem: stranger.certPem,
        keyPem: stranger.keyPem,
      }),
    };
    await assert.rejects(connectEtcd({ settings, clock: systemClock }), (error) => {
      assert.ok(error instanceof EtcdError);
      assert.equal(error.kind, "refused");
      assert.match(error.message, /check journal\.etcd\.ca_file, cert_file and key_file/);
      return true;
    });
  },
);
