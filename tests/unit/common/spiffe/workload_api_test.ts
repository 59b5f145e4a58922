import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { spiffe } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { installHttp2Guard } from "../../../../common/rpc/mod.ts";
import {
  openSvidSource,
  SpiffeError,
  type SvidSet,
  x509Answers,
} from "../../../../common/spiffe/mod.ts";
import { tempDir, waitFor } from "../../../support/mod.ts";
import { createTrustDomain, derOf } from "../../../support/spiffe_pki.ts";

type Answer = MessageInitShape<typeof spiffe.X509SVIDResponseSchema>;

/** An agent that says what a test wants, on a unix socket. */
async function scriptedAgent(answers: () => AsyncIterable<Answer>) {
  installHttp2Guard();
  const directory = await tempDir();
  const headers: Headers[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer(connectNodeAdapter({
    routes: (router) =>
      router.service(spiffe.SpiffeWorkloadAPI, {
        fetchX509SVID: (_request, { requestHeader }) => {
          headers.push(requestHeader);
          return answers();
        },
      }),
  }));
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const socketPath = directory.file("agent.sock");
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    headers,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** What becomes of one answer. */
async function outcomeOf(answer: Answer): Promise<SvidSet | SpiffeError> {
  await using agent = await scriptedAgent(async function* () {
    yield answer;
  });
  try {
    for await (const set of x509Answers(agent.socketPath, AbortSignal.timeout(5_000))) return set;
  } catch (error) {
    assert.ok(error instanceof SpiffeError, String(error));
    return error;
  }
  throw new Error("neither answer nor error");
}

const site = await createTrustDomain("site.example");
const foreign = await createTrustDomain("foreign.example");
const good = await site.wire("/pact/agent/node-1");
const other = await site.wire("/pact/agent/node-2");

Deno.test("SPI-2: an answer gives chain, key and the bundles of its own and of foreign domains", async () => {
  const below = await site.subordinate();
  const issued = await below.issue("/pact/journal/1");
  const chain = [issued.certPem, below.ca.certPem].map(derOf);
  const set = await outcomeOf({
    svids: [{
      spiffeId: "spiffe://site.example/pact/journal/1",
      x509Svid: new Uint8Array(chain.flatMap((der) => [...der])),
      x509SvidKey: derOf(issued.keyPem.reveal()),
      bundle: derOf(site.ca.certPem),
    }],
    federatedBundles: {
      "spiffe://foreign.example": derOf(foreign.ca.certPem),
      "spiffe://empty.example": new Uint8Array(0),
    },
  });
  assert.ok(!(set instanceof SpiffeError), String(set));
  const [svid] = set.svids;
  assert.equal(svid?.id.path, "/pact/journal/1");
  assert.equal(svid?.serialHex, issued.serialHex);
  assert.equal(svid?.chainPem.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.deepEqual([...set.bundles.keys()], ["site.example", "foreign.example"]);
});

const many = (count: number) => new Uint8Array(Array(count).fill([...good.x509Svid]).flat());
const malformed: Readonly<Record<string, Answer>> = {
  "an ID that is none": { svids: [{ ...good, spiffeId: "https://site.example/x" }] },
  "an ID without a path": { svids: [{ ...good, spiffeId: "spiffe://site.example" }] },
  "a certificate of another ID": { svids: [{ ...good, spiffeId: other.spiffeId }] },
  "no certificate": { svids: [{ ...good, x509Svid: new Uint8Array(0) }] },
  "bytes that are no certificate": { svids: [{ ...good, x509Svid: new Uint8Array([1, 2, 3]) }] },
  "a certificate cut short": { svids: [{ ...good, x509Svid: good.x509Svid.slice(0, -1) }] },
  "a chain that does not end": { svids: [{ ...good, x509Svid: many(9) }] },
  "the key of another": { svids: [{ ...good, x509SvidKey: other.x509SvidKey }] },
  "no key": { svids: [{ ...good, x509SvidKey: new Uint8Array(0) }] },
  "a key without bounds": { svids: [{ ...good, x509SvidKey: new Uint8Array(20_000) }] },
  "no bundle": { svids: [{ ...good, bundle: new Uint8Array(0) }] },
  "a bundle without a CA": { svids: [{ ...good, bundle: good.x509Svid }] },
  "the bundle of another domain": { svids: [{ ...good, bundle: derOf(foreign.ca.certPem) }] },
  "more SVIDs than anybody has": { svids: Array(33).fill(good) },
  "a second SVID that is broken": { svids: [good, { ...good, bundle: new Uint8Array(0) }] },
  "a foreign bundle that is broken": {
    svids: [good],
    federatedBundles: { "spiffe://foreign.example": new Uint8Array([48, 1]) },
  },
  "a foreign bundle of no domain": {
    svids: [good],
    federatedBundles: { "spiffe://foreign.example/x": derOf(foreign.ca.certPem) },
  },
  "a bundle of the own domain as a foreign one": {
    svids: [good],
    federatedBundles: { "spiffe://site.example": derOf(foreign.ca.certPem) },
  },
};

for (const [what, answer] of Object.entries(malformed)) {
  Deno.test(`a Workload API answer with ${what} is refused`, async () => {
    const error = await outcomeOf(answer);
    assert.ok(error instanceof SpiffeError, "it was taken");
    assert.equal(error.code, "MALFORMED", error.message);
    assert.doesNotMatch(error.message, /PRIVATE KEY/);
  });
}

Deno.test("an answer without an SVID, and a refusal, say that there is no identity", async () => {
  const empty = await outcomeOf({ svids: [] });
  assert.ok(empty instanceof SpiffeError && empty.code === "NO_IDENTITY");
  // deno-lint-ignore require-yield
  await using agent = await scriptedAgent(async function* () {
    await Promise.resolve();
    throw new ConnectError("no identity issued", Code.PermissionDenied);
  });
  const reading = Array.fromAsync(x509Answers(agent.socketPath, AbortSignal.timeout(5_000)));
  await assert.rejects(reading, { code: "NO_IDENTITY", message: /no identity issued/ });
});

Deno.test("every call carries the header without which agents refuse it", async () => {
  await using agent = await scriptedAgent(async function* () {
    yield { svids: [good] };
  });
  const reading = Array.fromAsync(x509Answers(agent.socketPath, AbortSignal.timeout(5_000)));
  await assert.rejects(reading, { code: "UNAVAILABLE", message: /ended the stream/ });
  assert.equal(agent.headers[0]?.get("workload.spiffe.io"), "true");
});

Deno.test("no socket, and one that the program may not use, are named", async () => {
  const missing = Array.fromAsync(
    x509Answers("/nonexistent/agent.sock", new AbortController().signal),
  );
  await assert.rejects(missing, { code: "NO_AGENT", message: /\/nonexistent\/agent\.sock/ });
});

Deno.test("a source keeps what it holds over an agent that answers nonsense, and asks again", async () => {
  const script: Answer[] = [
    { svids: [good] },
    { svids: [{ ...good, bundle: new Uint8Array(0) }] },
    { svids: [other] },
  ];
  await using agent = await scriptedAgent(async function* () {
    const next = script.shift();
    if (next !== undefined) yield next;
    if (script.length === 0) await new Promise(() => {});
  });
  const source = openSvidSource({
    socketPath: agent.socketPath,
    choice: { isOurs: () => true },
    isOptional: false,
    retryMaxMs: 20,
    clock: systemClock,
    random: Math.random,
    log: createLogger({
      component: "test",
      level: "error",
      format: "text",
      nowMs: systemClock.nowMs,
      write: () => {},
    }),
  });
  const heard: (string | undefined)[] = [];
  source.onChange((held) => heard.push(held?.identity.svid.id.path));
  await waitFor(() => heard.length === 2, { what: "the second SVID" });
  assert.deepEqual(heard, ["/pact/agent/node-1", "/pact/agent/node-2"]);
  assert.equal(source.trouble, undefined);
  source.close();
  assert.equal(source.held, undefined);
});
