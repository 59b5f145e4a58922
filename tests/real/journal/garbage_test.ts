import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import * as http2 from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { enrollment, journal, policy, stream } from "../../../api/mod.ts";
import { METHOD_CREDENTIALS } from "../../../journal/access/mod.ts";
import { type Logger, silentLogger } from "../../../common/log/mod.ts";
import { within } from "../../support/mod.ts";
import { seededRandom } from "../../support/site/mod.ts";
import {
  framed,
  type JournalSite,
  openJournalSite,
  randomMessageBytes,
  rawCall,
  refusalOf,
} from "../../support/journal/mod.ts";

const SERVICES: readonly DescService[] = [
  journal.ConfigService,
  journal.FleetService,
  policy.PolicyService,
  stream.BootConfigService,
  enrollment.EnrollmentService,
];

/** Bodies sent to each method. */
const BODIES_PER_METHOD = 60;
/** Readable messages sent to each method. */
const MESSAGES_PER_METHOD = 30;
/** How many are under way at once. */
const AT_ONCE = 30;

/** gRPC statuses that a body nobody can read may be answered with (API-92), and those of checks. */
const EXPECTED = new Set(["0", "3", "5", "6", "7", "8", "9", "10", "12", "13", "16"]);

Deno.test("API-92: random bytes as bodies, thousands of them, never end the journal and tell nothing about it", async () => {
  await using site = await openJournalSite();
  const node = await site.node("n1", "ml");
  const token = await site.token();
  const session = http2.connect(`https://127.0.0.1:${site.journal.rpcPort}`, {
    ca: site.caPem,
    cert: node.certPem,
    key: node.keyPem.reveal(),
  });
  const bodies = Object.keys(METHOD_CREDENTIALS).flatMap((method) =>
    Array.from({ length: BODIES_PER_METHOD }, () => ({ method, body: randomBody() }))
  );
  assert.ok(bodies.length > 2500);
  const statuses = new Map<string, number>();
  for (let from = 0; from < bodies.length; from += AT_ONCE) {
    const answers = bodies.slice(from, from + AT_ONCE).map(async ({ method, body }) => {
      const what = `an answer of ${method} to ${body.toString("hex")}`;
      // As the node where only nodes may call, as an administrator elsewhere.
      const credential = METHOD_CREDENTIALS[method] === "mtls" ? undefined : token;
      const call = rawCall(session, method, body, credential);
      const answer = await within(call, { what, timeoutMs: 20_000 });
      const status = answer["grpc-status"] ?? "none";
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.ok(EXPECTED.has(status), `${what}: status ${status} ${answer["grpc-message"]}`);
      const message = answer["grpc-message"] ?? "";
      assert.doesNotMatch(message, /\.ts|node_modules|\bat \w+ \(/, what);
      if (status === "13") assert.match(message, /^INTERNAL: (incident [0-9a-f]+|\S.*)$/);
    });
    await Promise.all(answers);
  }
  session.close();
  assert.ok((statuses.get("3") ?? 0) > 500, `few were unreadable: ${[...statuses]}`);
  await stillServes(site);
});

Deno.test("API-92: readable messages with any values in their fields never cause an internal error", async () => {
  const incidents: string[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (message, fields) => void incidents.push(`${message} ${JSON.stringify(fields)}`),
    child: () => log,
  };
  await using site = await openJournalSite({ log });
  const node = await site.node("n1", "ml");
  const token = await site.token();
  const session = http2.connect(`https://127.0.0.1:${site.journal.rpcPort}`, {
    ca: site.caPem,
    cert: node.certPem,
    key: node.keyPem.reveal(),
  });
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  // All but the one that would end the connection of the node that calls.
  const calls = SERVICES.flatMap((service) =>
    service.methods.filter(({ name }) => name !== "DecommissionNode").flatMap((method) =>
      Array.from({ length: MESSAGES_PER_METHOD }, () => ({
        method: `${service.typeName}/${method.name}`,
        body: framed(randomMessageBytes(method.input, random)),
      }))
    )
  );
  for (let from = 0; from < calls.length; from += AT_ONCE) {
    const answers = calls.slice(from, from + AT_ONCE).map(async ({ method, body }) => {
      const credential = METHOD_CREDENTIALS[method] === "mtls" ? undefined : token;
      const call = rawCall(session, method, body, credential);
      const what = `an answer of ${method} (seed ${seed}) to ${body.toHex()}`;
      const answer = await within(call, { what, timeoutMs: 20_000 });
      assert.notEqual(answer["grpc-status"], "13", `${what}\n${incidents[0]}`);
    });
    await Promise.all(answers);
  }
  session.close();
  assert.deepEqual(incidents, []);
  await stillServes(site);
});

Deno.test("journal.md section 16: an Enroll of more than 64 KiB and an AppendEntry of more than 4 MiB are refused", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const csr = new Uint8Array(70_000);
  const hardwareIdentity = { macAddress: "02:00:00:00:00:01" };
  const enroll = await refusalOf(site.dial().enrollment.enroll({ hardwareIdentity, csr }));
  assert.equal(enroll.code, "RESOURCE_EXHAUSTED");
  const files = Array.from({ length: 18 }, (_, index) => ({
    path: `/etc/f${index}`,
    content: new Uint8Array(240 * 1024),
  }));
  const entry = { entryType: 1, stateDelta: { files } };
  assert.equal((await refusalOf(ann.config.appendEntry({ entry }))).code, "RESOURCE_EXHAUSTED");
  const smaller = { entryType: 1, stateDelta: { files: files.slice(0, 8) } };
  await ann.config.appendEntry({ entry: smaller });
  await stillServes(site);
});

async function stillServes(site: JournalSite): Promise<void> {
  const { status } = await site.dial().health.check({});
  assert.equal(status, 1);
}

/** A framed message of random bytes, a truncated frame, or no frame at all. */
function randomBody(): Buffer {
  const bytes = randomBytes(Math.floor(Math.random() * 60));
  const kind = Math.random();
  if (kind < 0.1) return bytes;
  const claimed = kind < 0.2 ? bytes.length + 7 : bytes.length;
  const flags = kind < 0.25 ? 1 : 0;
  const head = Buffer.from([flags, 0, 0, 0, claimed]);
  return Buffer.concat([head, bytes]);
}
