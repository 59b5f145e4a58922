import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { connectEtcd, EtcdError } from "../../../../journal/etcd/mod.ts";
import { createTestPki } from "../../../support/mod.ts";
import { etcdSettings, etcdTest, openEtcdSite } from "../../../support/etcd/mod.ts";

const MEMBERS = [{ id: 1, raft: "localhost:9444", api: "localhost:9443" }];

etcdTest(
  "demand 11: a prefix is founded once, and belongs to its cluster from then on",
  async () => {
    await using site = await openEtcdSite();
    const settings = etcdSettings(site);
    const connect = (options: { clusterId?: string; isFounder?: boolean }) =>
      connectEtcd({
        settings,
        clock: systemClock,
        ...options.clusterId !== undefined && { clusterId: options.clusterId },
        ...options.isFounder && { founding: MEMBERS },
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
      ...etcdSettings(site),
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

etcdTest(
  "demand 11: an etcd that nobody answers for refuses the start within a bound, and is named",
  async () => {
    await using site = await openEtcdSite();
    await site.stop(0);
    const settings = etcdSettings(site);
    const refused = connectEtcd({ settings, clock: systemClock, limitMs: 1_000 });
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof EtcdError);
      assert.equal(error.kind, "unreachable");
      assert.match(
        error.message,
        /https:\/\/127\.0\.0\.1:\d+.*is it running, and has it a quorum\?/,
      );
      return true;
    });
  },
);

etcdTest(
  "section 17: a cluster founded on a restored state begins behind what it contains, and no other takes it on",
  async () => {
    await using site = await openEtcdSite();
    const connect = (prefix: string, restored: { index: number; term: number }) =>
      connectEtcd({
        settings: etcdSettings(site, { prefix }),
        clock: systemClock,
        founding: MEMBERS,
        restored,
      });
    const base = { index: 50, term: 900 };
    for (const _attempt of ["founded", "cut short and started again"]) {
      const { client, overview } = await connect("/a", base);
      client.close();
      assert.deepEqual(overview.head, { lastIndex: 51, term: 901 });
      assert.deepEqual(overview.mark?.base, base);
    }
    await assert.rejects(
      connect("/a", { index: 60, term: 900 }),
      /a restored state: to found a cluster/,
    );
  },
);
