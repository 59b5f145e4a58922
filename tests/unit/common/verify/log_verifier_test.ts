import assert from "node:assert/strict";
import {
  type Checkpoint,
  checkpointBytes,
  GENESIS_HASH,
  type LinkedEntry,
  linkEntry,
  signerOf,
} from "../../../../common/chain/mod.ts";
import { type CertificateAuthority, createCa, signWithCa } from "../../../../common/tls/mod.ts";
import { LogVerifier } from "../../../../common/verify/mod.ts";

const NOW = new Date("2026-01-02T00:00:00Z");
const ca = await createCa({ commonName: "pact journal 1 CA", validDays: 1, now: NOW });
const other = await createCa({ commonName: "pact journal 2 CA", validDays: 1, now: NOW });

function entry(sequence: number, previous: string, message = "") {
  return linkEntry({
    sequence,
    timestamp: "2026-01-01T00:00:00Z",
    entry_type: "Commit",
    scope: "Global",
    author: { principal: "ann", principal_type: "Human", role: "pact-platform-admin" },
    message,
  }, previous).entry;
}

/** A log of so many entries; from `rewrittenFrom` on it tells another story. */
function log(count: number, rewrittenFrom = count): LinkedEntry[] {
  const entries: LinkedEntry[] = [];
  for (let sequence = 0; sequence < count; sequence++) {
    const previous = entries.at(-1)?.hash ?? GENESIS_HASH;
    entries.push(entry(sequence, previous, sequence >= rewrittenFrom ? "rewritten" : ""));
  }
  return entries;
}

async function signed(
  entry: LinkedEntry | undefined,
  by: CertificateAuthority = ca,
  signed_at = NOW.toISOString(),
): Promise<Checkpoint> {
  assert.ok(entry !== undefined);
  const statement = { sequence: entry.sequence, hash: entry.hash, signed_at };
  const signature = (await signWithCa(by, checkpointBytes(statement))).toBase64();
  return { ...statement, signer: signerOf(by.certPem) ?? "", signature };
}

function verify(
  entries: readonly LinkedEntry[],
  checkpoints: readonly Checkpoint[],
  trustedPem?: string,
  count?: number,
) {
  const verifier = new LogVerifier({
    signerCertificates: [ca.certPem, other.certPem],
    trustedPem,
  });
  for (const checkpoint of checkpoints) verifier.addCheckpoint(checkpoint);
  for (const each of entries) verifier.entry(each);
  return verifier.end(count);
}

Deno.test("signatures are counted by signer, and which of them lead to a trusted CA", async () => {
  const entries = log(9);
  const report = verify(
    entries,
    [await signed(entries[3]), await signed(entries[5]), await signed(entries[7], other)],
    ca.certPem,
  );
  assert.equal(report.finding, undefined);
  assert.deepEqual(
    [report.entries, report.checkpoints, report.signedThrough, report.trustedThrough],
    [9, 3, 7, 5],
  );
  assert.deepEqual(
    report.signers.map(({ subject, trusted, checkpoints, newestSequence }) => [
      subject,
      trusted,
      checkpoints,
      newestSequence,
    ]),
    [["CN=pact journal 1 CA", true, 2, 5], ["CN=pact journal 2 CA", false, 1, 7]],
  );
  assert.equal(report.head.hash, entries[8]?.hash);
});

Deno.test("a log rewritten with all its hashes is told by the next signature", async () => {
  const checkpoints = [await signed(log(9)[3]), await signed(log(9)[7])];
  const { finding, signedThrough } = verify(log(9, 5), checkpoints);
  assert.equal(signedThrough, 3);
  assert.equal(finding?.problem, "replaced");
  assert.equal(finding.sequence, 7);
  assert.match(finding.detail, /one of the entries 4 to 7 was replaced/);
});

Deno.test("a log that ends before its newest signature lacks entries", async () => {
  const checkpoints = [await signed(log(9)[7])];
  const { finding } = verify(log(5), checkpoints);
  assert.deepEqual([finding?.sequence, finding?.problem], [5, "missing"]);
  assert.match(finding?.detail ?? "", /was signed up to entry 7/);
});

Deno.test("a log of fewer or more entries than were counted is told", () => {
  assert.deepEqual(verify(log(5), [], undefined, 7).finding?.problem, "missing");
  assert.deepEqual(verify(log(5), [], undefined, 4).finding?.sequence, 4);
  assert.equal(verify(log(5), [], undefined, 5).finding, undefined);
});

Deno.test("a signature that is not its signer's is wrong, at the entry it is over", async () => {
  const entries = log(9);
  const good = await signed(entries[3]);
  const stranger = await createCa({ commonName: "stranger", validDays: 1, now: NOW });
  for (
    const [bad, detail] of [
      [{ ...await signed(entries[3], other), signer: good.signer }, /was not made with the key of/],
      [{ ...good, signed_at: "2026-01-02T00:00:01Z" }, /was not made with the key of/],
      [{ ...good, signature: "AAAA" }, /was not made with the key of/],
      [await signed(entries[3], stranger), /by an unknown key/],
      [await signed(entries[3], ca, "2027-01-01T00:00:00Z"), /its certificate was not valid/],
    ] as const
  ) {
    const { finding } = verify(entries, [bad]);
    assert.deepEqual([finding?.sequence, finding?.problem], [3, "signature"]);
    assert.match(finding?.detail ?? "", detail);
  }
});

Deno.test("entries that may not be seen are followed by their place in the chain", () => {
  const entries = log(3);
  const verifier = new LogVerifier();
  const [first, second, third] = entries;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  verifier.entry(first);
  assert.equal(verifier.hiddenEntry(1, second.previous_hash, second.hash), undefined);
  verifier.entry(third);
  assert.deepEqual([verifier.end().entries, verifier.end().hidden], [3, 1]);
  const other = new LogVerifier();
  other.entry(first);
  assert.equal(other.hiddenEntry(1, GENESIS_HASH, second.hash)?.problem, "replaced");
});
