import assert from "node:assert/strict";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport, enrollment } from "../../api/mod.ts";
import type { Hardware, JournalLink, LinkStateReport } from "../../agent/link/mod.ts";
import { startJournalLink } from "../../agent/link/mod.ts";
import { type Clock, systemClock, type TimerHandle } from "../../common/clock/mod.ts";
import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import { silentLogger } from "../../common/log/mod.ts";
import {
  createKeyAndCsr,
  isProofOf,
  issueAgentCertificate,
  parsePeerCertificate,
  verifyCsr,
} from "../../common/tls/mod.ts";
import {
  createTestPki,
  type JournalScript,
  type ScriptedServer,
  startScriptedJournal,
  type TestPki,
  waitFor,
} from "../support/mod.ts";

type Answer = Exclude<
  MessageInitShape<typeof enrollment.EnrollResponseSchema>,
  enrollment.EnrollResponse
>;

const HARDWARE: Hardware = { mac: "02:00:00:00:00:01" };

/** Every wait between attempts is noted and passes at once when the test says so. */
class SteppedClock implements Clock {
  /** What was asked for and not taken back. */
  readonly waits: { readonly id: number; readonly delayMs: number; readonly fire: () => void }[] =
    [];
  #lastId = 0;
  nowMs = systemClock.nowMs;
  monotonicMs = systemClock.monotonicMs;
  setTimer(delayMs: number, fire: () => void): TimerHandle {
    const id = ++this.#lastId;
    this.waits.push({ id, delayMs, fire });
    return { id };
  }
  clearTimer(timer: TimerHandle): void {
    const index = this.waits.findIndex(({ id }) => id === timer.id);
    if (index >= 0) this.waits.splice(index, 1);
  }
}

interface Attempt {
  readonly link: JournalLink;
  readonly states: LinkStateReport[];
  readonly identities: agentport.NodeIdentity[];
  readonly lines: string[];
  readonly clock: SteppedClock;
}

function attempt(
  pki: TestPki,
  journal: ScriptedServer,
  identity?: agentport.NodeIdentity,
): Attempt {
  const clock = new SteppedClock();
  const states: LinkStateReport[] = [];
  const identities: agentport.NodeIdentity[] = [];
  const lines: string[] = [];
  const note = (level: string) => (message: string, fields: object = {}) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log = {
    ...silentLogger,
    warn: note("WARN"),
    error: note("ERROR"),
    child: () => log,
  };
  const link = startJournalLink({
    endpoints: [journal.url],
    anchor: { givenPem: pki.caPem, mayTrustFirst: false, pinnedPem: "" },
    hardware: HARDWARE,
    identity,
    clock,
    random: () => 0.5,
    log,
    events: {
      onState: (state) => states.push(state),
      onIdentity: (identity) => identities.push(identity),
      onDeclared: () => {},
    },
  });
  return { link, states, identities, lines, clock };
}

/** The answer of a journal whose CA is `pki`; a test makes it wrong. */
async function answerTo(
  pki: TestPki,
  csr: Uint8Array,
  nodeId = "n1",
  now = new Date(),
): Promise<Answer> {
  const issued = await issueAgentCertificate(
    pki.ca,
    { nodeId, domainId: "default" },
    await verifyCsr(csr),
    { now },
  );
  const bytes = (text: string) => new TextEncoder().encode(text);
  return {
    nodeId: "n1",
    domainId: "default",
    signedCert: bytes(issued.certPem),
    caChain: bytes(pki.caPem),
    certSerial: issued.serialHex,
  };
}

const refusing = (code: ErrorCode, trailers = {}): JournalScript => ({
  enrollment: {
    enroll: () => {
      throw new PactError(code, `${code}: n1`, { trailers });
    },
  },
});

Deno.test("NEN-7, ACC-O12: each refusal has a wait of its own, is told by its code, and names what was presented", async () => {
  const pki = await createTestPki();
  const expected: [ErrorCode, number, RegExp | undefined, object?][] = [
    ["NODE_NOT_ENROLLED", 60_000, /^WARN enrollment rejected: NODE_NOT_ENROLLED .*mac:02:00/],
    ["HARDWARE_IDENTITY_MISMATCH", 60_000, /^ERROR enrollment rejected: HARDWARE_IDENTITY_MISM/],
    ["NODE_REVOKED", 300_000, /^WARN enrollment rejected: NODE_REVOKED/],
    ["ALREADY_ACTIVE", 30_000, /^WARN enrollment rejected: ALREADY_ACTIVE/],
    ["INVALID_ARGUMENT", 60_000, undefined],
    ["RATE_LIMITED", 1_000, undefined],
    ["RATE_LIMITED", 12_000, undefined, { "retry-after-ms": "12000" }],
    ["RATE_LIMITED", 300_000, undefined, { "retry-after-ms": "999999999" }],
    ["UNAVAILABLE", 1_000, undefined],
  ];
  for (const [code, waitMs, line, trailers] of expected) {
    await using journal = await startScriptedJournal(pki, refusing(code, trailers));
    const { link, states, lines, clock } = attempt(pki, journal);
    await waitFor(() => states.at(-1)?.code === code, { what: `the refusal ${code}` });
    assert.deepEqual(clock.waits.map(({ delayMs }) => delayMs), [waitMs], code);
    if (line !== undefined) assert.match(lines.join("\n"), line);
    link.close();
  }
});

Deno.test("NEN-5: an answer whose certificate is not for this key, node, time or CA is not used", async () => {
  const pki = await createTestPki();
  const foreign = await createTestPki("foreign CA");
  const yesterday = new Date(Date.now() - 40 * 86_400_000);
  const wrong: [RegExp, (csr: Uint8Array) => Promise<Answer>][] = [
    [/key does not belong/, () => answerTo(pki, createKeyAndCsr("other").csrDer)],
    [/does not name node n1/, (csr) => answerTo(pki, csr, "n2")],
    [/expired/, (csr) => answerTo(pki, csr, "n1", yesterday)],
    [/not issued by a CA/, async (csr) => ({
      ...await answerTo(foreign, csr),
      caChain: new TextEncoder().encode(pki.caPem),
    })],
    [/enrollment answer rejected/, async (csr) => ({
      ...await answerTo(pki, csr),
      signedCert: new Uint8Array([1, 2, 3]),
    })],
  ];
  for (const [reason, answer] of wrong) {
    await using journal = await startScriptedJournal(pki, {
      enrollment: { enroll: ({ csr }) => answer(csr) },
    });
    const { link, states, identities } = attempt(pki, journal);
    const refused = await waitFor(() => states.find(({ connected }) => !connected), {
      what: `the refusal for ${reason}`,
    });
    assert.match(refused.reason, reason);
    assert.match(refused.reason, /^enrollment answer rejected: /);
    assert.deepEqual(identities, []);
    link.close();
  }
});

Deno.test("NEN-7, NEN-9, ENR-2: a node whose certificate is refused asks with a new key and proves the former one", async () => {
  const pki = await createTestPki();
  const requests: enrollment.EnrollRequest[] = [];
  await using journal = await startScriptedJournal(pki, {
    enrollment: {
      enroll: async (request) => {
        requests.push(request);
        return await answerTo(pki, request.csr);
      },
      inspectNode: () => {
        throw new PactError("UNAUTHENTICATED", "certificate refused: unknown CA");
      },
    },
  });
  const { link, states, clock, identities } = attempt(pki, journal);
  await waitFor(() => states.find(({ code }) => code === "UNAUTHENTICATED"), {
    what: "the refusal of the first certificate",
  });
  clock.waits.shift()?.fire();
  await waitFor(() => requests.length >= 2, { what: "the second enrolment" });
  link.close();
  const [first, second] = requests;
  assert.equal(first?.previousKeyProof.length, 0, "nothing to prove at first");
  assert.ok(second !== undefined);
  assert.notDeepEqual(second.csr, first?.csr, "NEN-3: a new key");
  const proof = fromBinary(enrollment.PreviousKeyProofSchema, second.previousKeyProof);
  const { serialHex } = parsePeerCertificate(identities[0]?.certPem ?? "");
  assert.ok(isProofOf(proof, second.csr, { serialHex, trustPem: pki.caPem }));
  const { csrDer } = createKeyAndCsr("other");
  assert.ok(!isProofOf(proof, csrDer, { serialHex, trustPem: pki.caPem }), "for one request only");
});
