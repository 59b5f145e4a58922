/** A client that nobody here wrote, over TLS with tokens and certificates, beside `pact`. */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  AGENT_NODE,
  commitOf,
  type IdentitySite,
  type IssuedClaims,
  MERCURY,
  type NodeCertificate,
  openIdentitySite,
  vclusterScope,
  VENUS,
} from "../support/identity/mod.ts";
import { createTestPki, needingPeer, peerProgram, repositoryRoot, within } from "../support/mod.ts";

const ANN = { sub: "ann", role: "pact-platform-admin" };
const VERA = { sub: "vera", role: `pact-viewer-${MERCURY}` };
const OTTO = { sub: "otto", role: `pact-ops-${VENUS}` };

/** What grpcurl adds to the number of a gRPC status in its exit code. */
const STATUS_OFFSET = 64;

/** A call by grpcurl. */
interface ForeignCall {
  readonly address: string;
  /** `pact/journal.proto pact.journal.FleetService/ListVClusters`. */
  readonly method: string;
  readonly request?: object;
  readonly who?: IssuedClaims;
  readonly certificate?: Pick<NodeCertificate, "certPem" | "keyPem">;
  /** The CA that is trusted; the site's by default. */
  readonly caPem?: string;
  readonly more?: readonly string[];
}

Deno.test(
  await needingPeer(
    "grpcurl",
    "API-1: a foreign client gets the same answers as pact, over TLS with a token or a certificate",
  ),
  async (test) => {
    await using site = await openIdentitySite();
    const api = site.quorum.place(1).api;
    const agent = await site.startAgent();
    const node = await site.enroll("mercury-2", MERCURY);
    using admin = await site.as(ANN);
    const entry = commitOf(vclusterScope(MERCURY), "vm.swappiness", "10");
    const { sequence } = await admin.config.appendEntry({ entry: { ...entry, message: "ten" } });

    await test.step("a list", async () => {
      const method = "pact/journal.proto pact.journal.FleetService/ListVClusters";
      const foreign = await grpcurl(site, { address: api, method, who: VERA });
      const { vclusters } = VClusters.parse(json(foreign));
      const own = OwnVClusters.parse(json(await pact(site, VERA, ["group", "list"])));
      assert.deepEqual(
        vclusters.map(({ vclusterId, nodeCount }) => [vclusterId, nodeCount]),
        own.vclusters.map(({ vcluster_id, node_count }) => [vcluster_id, node_count]),
      );
      assert.deepEqual(vclusters.map(({ vclusterId }) => vclusterId), [MERCURY]);
    });

    await test.step("an entry, and a stream of them", async () => {
      const foreign = await grpcurl(site, {
        address: api,
        method: "pact/journal.proto pact.journal.ConfigService/GetEntry",
        request: { sequence: `${sequence}` },
        who: VERA,
      });
      const { author, message } = Entry.parse(json(foreign));
      const log = await pact(site, VERA, ["log", "--scope", `vc:${MERCURY}`]);
      assert.ok(log.stdout.includes('"ten"') && log.stdout.includes('"ann"'), log.stdout);
      assert.deepEqual([author.principal, message], ["ann", "ten"]);
      const stream = await grpcurl(site, {
        address: api,
        method: "pact/journal.proto pact.journal.ConfigService/ListEntries",
        request: { scope: { vclusterId: MERCURY } },
        who: VERA,
      });
      assert.equal(stream.code, 0);
      assert.equal(stream.stdout.match(/"message": "ten"/g)?.length, 1);
    });

    await test.step("denied calls, with the same words and codes", async () => {
      const denied = await grpcurl(site, {
        address: api,
        method: "pact/journal.proto pact.journal.ConfigService/AppendEntry",
        request: { entry: { entryType: "ENTRY_TYPE_COMMIT", scope: { vclusterId: MERCURY } } },
        who: VERA,
        more: ["-v"],
      });
      const own = await pact(site, VERA, ["commit", "-m", "x", "--vcluster", MERCURY]);
      assert.equal(denied.code, STATUS_OFFSET + 7);
      const words = "viewer role cannot perform action: commit (P2)";
      assert.ok(denied.stderr.includes(words), denied.stderr);
      assert.ok(denied.stdout.includes("x-pact-error: PERMISSION_DENIED"), denied.stdout);
      assert.equal(own.code, 2);
      assert.ok(own.stderr.includes(words), own.stderr);
      const outside = await grpcurl(site, {
        address: api,
        method: "pact/journal.proto pact.journal.ConfigService/GetEntry",
        request: { sequence: `${sequence}` },
        who: OTTO,
      });
      assert.equal(outside.code, STATUS_OFFSET + 7);
      assert.match(outside.stderr, /is scoped to vCluster venus, not mercury \(P3\)/);
    });

    await test.step("no credentials, and an expired token", async () => {
      const method = "pact/journal.proto pact.journal.FleetService/ListVClusters";
      const nobody = await grpcurl(site, { address: api, method });
      assert.equal(nobody.code, STATUS_OFFSET + 16);
      assert.match(nobody.stderr, /missing authorization header/);
      const late = { ...VERA, lifetimeSeconds: -3600 };
      const expired = await grpcurl(site, { address: api, method, who: late });
      assert.match(expired.stderr, /token expired/);
      assert.equal((await pact(site, late, ["group", "list"])).code, 2);
    });

    await test.step("a client certificate: its own node, no other, and none of another CA", async () => {
      const method = "pact/enrollment.proto pact.enrollment.EnrollmentService/InspectNode";
      const inspect = (certificate: ForeignCall["certificate"], nodeId: string) =>
        grpcurl(site, {
          address: api,
          method,
          request: { nodeId },
          ...(certificate === undefined ? {} : { certificate }),
        });
      const own = Node.parse(json(await inspect(node, "mercury-2")));
      assert.deepEqual([own.nodeId, own.vclusterId], ["mercury-2", MERCURY]);
      const other = await inspect(node, AGENT_NODE);
      assert.equal(other.code, STATUS_OFFSET + 7);
      const pki = await createTestPki();
      const { certPem, keyPem } = await pki.agent({ nodeId: "mercury-2", domainId: "default" });
      const forged = await inspect({ certPem, keyPem: keyPem.reveal() }, "mercury-2");
      assert.equal(forged.code, STATUS_OFFSET + 16);
      // A client of Go presents no certificate that none of the CAs named by the server has signed.
      assert.match(forged.stderr, /missing authorization header|certificate refused/);
      const distrusted = await grpcurl(site, {
        address: api,
        method: "pact/journal.proto pact.journal.FleetService/ListVClusters",
        who: VERA,
        caPem: pki.caPem,
      });
      assert.notEqual(distrusted.code, 0);
      assert.match(distrusted.stderr, /certificate signed by unknown authority/);
    });

    await test.step("the agent of a node", async () => {
      const method = "pact/shell.proto pact.shell.ShellService/ListCommands";
      const more = ["-servername", AGENT_NODE];
      const foreign = await grpcurl(site, { address: agent, method, who: VERA, more });
      const { commands } = Commands.parse(json(foreign));
      const own = await pact(site, VERA, ["exec", AGENT_NODE, "--list"]);
      for (const { command } of commands) assert.ok(own.stdout.includes(`"${command}"`), command);
      const outside = await grpcurl(site, { address: agent, method, who: OTTO, more });
      assert.equal(outside.code, STATUS_OFFSET + 7);
      // Its certificate names the node, not the address.
      const misnamed = await grpcurl(site, { address: agent, method, who: VERA });
      assert.match(misnamed.stderr, /certificate/);
    });
  },
);

const VClusters = z.object({
  vclusters: z.array(z.object({ vclusterId: z.string(), nodeCount: z.number() })),
});
const OwnVClusters = z.object({
  vclusters: z.array(z.object({ vcluster_id: z.string(), node_count: z.number() })),
});
const Entry = z.object({ author: z.object({ principal: z.string() }), message: z.string() });
const Node = z.object({ nodeId: z.string(), vclusterId: z.string() });
const Commands = z.object({ commands: z.array(z.object({ command: z.string() })).min(1) });

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function grpcurl(site: IdentitySite, call: ForeignCall): Promise<Ended> {
  const program = await peerProgram("grpcurl");
  assert.ok(program !== undefined, "deno task peers grpcurl builds it");
  const folder = await Deno.makeTempDir({ dir: site.directory });
  await Deno.writeTextFile(`${folder}/ca.crt`, call.caPem ?? site.caPem);
  if (call.certificate !== undefined) {
    await Deno.writeTextFile(`${folder}/node.crt`, call.certificate.certPem);
    await Deno.writeTextFile(`${folder}/node.key`, call.certificate.keyPem, { mode: 0o600 });
  }
  const [proto = "", method = ""] = call.method.split(" ");
  const token = call.who === undefined ? "" : await site.token(call.who);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [
      ...["-import-path", `${repositoryRoot}api/proto`, "-proto", proto],
      ...["-cacert", `${folder}/ca.crt`, "-max-time", "20", "-emit-defaults"],
      ...(call.certificate === undefined
        ? []
        : ["-cert", `${folder}/node.crt`, "-key", `${folder}/node.key`]),
      // Out of the environment: a command line is for everybody to read.
      ...(token === "" ? [] : ["-expand-headers", "-H", "authorization: Bearer ${PACT_TOKEN}"]),
      ...(call.more ?? []),
      ...["-d", JSON.stringify(call.request ?? {}), call.address, method],
    ],
    env: { PACT_TOKEN: token },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function pact(
  site: IdentitySite,
  who: IssuedClaims,
  args: readonly string[],
): Promise<Ended> {
  const command = await site.pact(who, ["--output", "json", ...args]);
  return await within(command.ended, { what: `the end of pact ${args}`, timeoutMs: 30_000 });
}

function json({ code, stdout, stderr }: Ended): unknown {
  assert.equal(code, 0, `${stdout}${stderr}`);
  return JSON.parse(stdout);
}
