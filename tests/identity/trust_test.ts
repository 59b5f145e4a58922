import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { silentLogger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { ServerTls } from "../../common/rpc_server/mod.ts";
import { createTrust, openAuthority } from "../../journal/certs/mod.ts";
import { loadConfig } from "../../journal/config/mod.ts";
import { openReplica } from "../../journal/replica/mod.ts";
import { createTestPki, tempDir, waitFor } from "../support/mod.ts";
import { VirtualClock } from "../support/clock/mod.ts";

const DAY_MS = 86_400_000;

Deno.test("CRT-1, CRT-8: the listener takes a changed bundle at once, drops a replaced CA, and renews its certificate", async () => {
  await using directory = await tempDir();
  const clock = new VirtualClock(Date.now());
  const { settings } = loadConfig({ args: ["--single-node"], env: {}, readFile: () => undefined });
  const authority = await openAuthority(settings, new Date(clock.nowMs()));
  const replica = await openReplica({ dataDir: directory.path, clock, random: Math.random });
  try {
    const trust = createTrust(settings, authority, replica, clock);
    const rotated: ServerTls[] = [];
    const upkeep = trust.keepFresh({ rotate: (tls) => void rotated.push(tls) }, silentLogger);
    const publish = async (certificate_pem: string) => {
      await replica.submit({
        type: "PublishCa",
        journal_node_id: "2",
        certificate_pem,
        not_after: new Date(clock.nowMs() + 300 * DAY_MS).toISOString(),
      }, { actor: SYSTEM_IDENTITY });
    };
    const former = (await createTestPki("former")).caPem.trim();
    const newer = (await createTestPki("newer")).caPem.trim();
    await publish(former);
    await waitFor(() => rotated.length === 1, { what: "the first rotation" });
    assert.ok(rotated[0]?.clientCaPem?.startsWith(authority.ca.certPem.trim()));
    assert.ok(rotated[0]?.clientCaPem?.includes(former));
    await publish(newer);
    await waitFor(() => rotated.length === 2, { what: "the second rotation" });
    assert.ok(rotated[1]?.clientCaPem?.includes(newer));
    assert.ok(rotated[1]?.clientCaPem?.includes(former), "both count while agents change over");
    clock.advance(11 * 60_000);
    await waitFor(() => rotated.length >= 3, { what: "the former CA to be dropped" });
    assert.ok(!trust.bundlePem().includes(former));

    clock.advance(11 * DAY_MS);
    const validToMs = () => Date.parse(new X509Certificate(rotated.at(-1)?.certPem ?? "").validTo);
    await waitFor(() => validToMs() > clock.nowMs() + 20 * DAY_MS, { what: "a new certificate" });
    upkeep.stop();
  } finally {
    await replica.close();
  }
});
