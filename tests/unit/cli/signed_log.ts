/** A log of six entries of which the first four are signed, and the forms in which it is read. */
import { createHash } from "node:crypto";
import type { journal } from "../../../api/mod.ts";
import { type Checkpoint, GENESIS_HASH, linkEntry } from "../../../common/chain/mod.ts";
import { canonicalJson, type JsonValue } from "../../../common/json/mod.ts";
import { checkpointToWire, documentedEntryToWire } from "../../../common/wire/mod.ts";
import type { JournalScript } from "../../support/mod.ts";
import { packedBackup } from "../../support/journal/mod.ts";

/** The signer's certificate; its key was thrown away. */
export const SIGNER_PEM = `-----BEGIN CERTIFICATE-----
MIIBnTCCAUKgAwIBAgIQVg4x9PGj9Ict2ZBmaoI5zDAKBggqhkjOPQQDAjAcMRow
GAYDVQQDExFwYWN0IGpvdXJuYWwgMSBDQTAeFw0yNjEwMzEyMzU5MDBaFw0zNjEw
MjkwMDAwMDBaMBwxGjAYBgNVBAMTEXBhY3Qgam91cm5hbCAxIENBMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEnj+1v/GkgGkEjiMlrHAlZKZFiByQDJyGmd7ddmAs
bCw+KC4y7DSxYEA1E/rboUERmgtVYkIVYPwY9HhtyqzB8KNmMGQwEgYDVR0TAQH/
BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFE5SFLso3Pnxcb9L
8xQUAvshxBalMB8GA1UdIwQYMBaAFE5SFLso3Pnxcb9L8xQUAvshxBalMAoGCCqG
SM49BAMCA0kAMEYCIQCF2+h7j48UreXiBwIFLfmjoF0OBIRGKnCA8QxBQPSG2wIh
AI8VDI2YLXGW2ocnenNIb0Tg5m+KnQDWfdMIeMR24Vgj
-----END CERTIFICATE-----
`;

/** The signature over entry 3. */
export const CHECKPOINT: Checkpoint = {
  sequence: 3,
  hash: "6768c101e3e4bec76512c425a300059d70a3590bf757ff924c3870941245c74b",
  signed_at: "2026-11-20T11:54:00.000Z",
  signer: "4671b7c68158e8769c9c626af87ed06d7e98071d477b823d5944629b66d0df27",
  signature:
    "oR55DSm4j8SQR7hoAlApfDX3HTh6rMeg5hYvHtZYI3EIP4wKwfPFisor7R9M62G7GeDtp4deH3AwzdmmaS9X2w==",
};

/** The entries, oldest first. */
export const ENTRIES = entries();

function entries() {
  let head = GENESIS_HASH;
  return [0, 1, 2, 3, 4, 5].map((sequence) => {
    const { entry } = linkEntry({
      sequence,
      timestamp: `2026-11-20T11:5${sequence}:00.000Z`,
      entry_type: "Commit",
      scope: { VCluster: "ml" },
      author: {
        principal: "alice@example.org",
        principal_type: "Human",
        role: "pact-platform-admin",
      },
      message: `change ${sequence}`,
    }, head);
    head = entry.hash;
    return entry;
  });
}

/** A journal that answers with these entries; those after the fifth stay hidden if told so. */
export function journalOf(log = ENTRIES, hidden: readonly number[] = []): JournalScript {
  return {
    config: {
      async *listEntries(
        { fromSequence = 0n, toSequence, descending }: journal.ListEntriesRequest,
      ) {
        for (const entry of descending ? log.slice(-1) : log) {
          if (entry.sequence < fromSequence) continue;
          if (toSequence !== undefined && entry.sequence > toSequence) continue;
          const message = documentedEntryToWire(entry);
          yield hidden.includes(entry.sequence) ? { ...message, document: "" } : message;
        }
      },
      async *listCheckpoints() {
        yield checkpointToWire(CHECKPOINT, SIGNER_PEM);
      },
    },
  };
}

/** A backup of these entries. */
export async function backupOf(log = ENTRIES): Promise<Uint8Array> {
  const documents = [
    ["checkpoint_signers", CHECKPOINT.signer, { certificate_pem: SIGNER_PEM }],
    ["checkpoints", "0000000000000003", CHECKPOINT],
  ];
  const lines = (list: readonly JsonValue[]) => list.map(canonicalJson).join(",\n");
  const snapshot = [
    `{"applied":{"index":9,"term":1},"documents":[`,
    lines(documents),
    `],"entries":[`,
    lines(log.map((entry) => [null, entry])),
    `],"schema_version":2}`,
    "",
  ].join("\n");
  const metadata = canonicalJson({
    created_at: "2026-11-20T12:00:00.000Z",
    cluster_id: "c-1",
    last_index: 9,
    last_term: 1,
    schema_version: 2,
    entries: ENTRIES.length,
    head_hash: ENTRIES.at(-1)?.hash ?? "",
    sha256: createHash("sha256").update(snapshot).digest("hex"),
  });
  return await packedBackup({ metadata, snapshot });
}

/** Each entry as JSON on a line. */
export function linesOf(log = ENTRIES): string {
  return log.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}
