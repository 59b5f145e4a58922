import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendToChain,
  type AuditEvent,
  auditEvent,
  auditEventToJson,
  canonicalJson,
  CHAIN_START,
  type ChainHead,
  nodeScope,
  readChainLine,
  systemPrincipal,
} from "../../../../contracts/mod.ts";

function event(n: number): AuditEvent {
  return auditEvent({
    id: `4c0ec64c-44f1-4ba4-b5a1-${n.toString().padStart(12, "0")}`,
    nowUsec: BigInt(n),
    principal: systemPrincipal("pact-agent"),
    action: "service.start",
    scope: nodeScope("n1"),
    outcome: "Success",
    source: "PactAgent",
    metadata: { n, big: 9007199254740993n },
  });
}

function chain(count: number): string[] {
  let head = CHAIN_START;
  return Array.from({ length: count }, (_, n) => {
    const appended = appendToChain(head, event(n));
    head = appended.head;
    return appended.line;
  });
}

/** How reading the lines in order ends: the first that is not intact, or Intact. */
function verify(lines: readonly string[]): string {
  let head: ChainHead = CHAIN_START;
  for (const [n, line] of lines.entries()) {
    const read = readChainLine(head, line);
    if (read.result !== "Intact") return `${read.result} at ${n}`;
    head = read.head;
  }
  return "Intact";
}

Deno.test("AS-10: a line carries seq, prev and the hash of prev, a newline and the canonical event", () => {
  const { line, head } = appendToChain(CHAIN_START, event(0));
  const zeros = "0".repeat(64);
  const hash = createHash("sha256")
    .update(`${zeros}\n${canonicalJson(auditEventToJson(event(0)))}`).digest("hex");
  assert.ok(line.endsWith(`"seq":1,"prev":"${zeros}","hash":"${hash}"}\n`), line);
  assert.deepEqual(head, { nextSeq: 2, prev: hash });
});

Deno.test("AS-10: a chain reads back whole", () => assert.equal(verify(chain(20)), "Intact"));

Deno.test("AS-12: a changed, lost, doubled or swapped line breaks the chain there", () => {
  const lines = chain(5);
  const [a = "", b = "", c = "", d = "", e = ""] = lines;
  assert.equal(verify([a, b.replace("Success", "Failure"), c, d, e]), "Broken at 1");
  assert.equal(verify([a, c, d, e]), "Broken at 1");
  assert.equal(verify([a, a, b]), "Broken at 1");
  assert.equal(verify([a, c, b]), "Broken at 1");
  assert.equal(verify([a, "junk\n"]), "Broken at 1");
});

Deno.test("AS-12: a line without its end is torn, not broken", () => {
  const [a = "", b = ""] = chain(2);
  for (const length of [0, 1, b.length - 1]) {
    assert.equal(verify([a, b.slice(0, length)]), "Torn at 1");
  }
});
