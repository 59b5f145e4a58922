import { ago, refuse } from "./fixtures.ts";
import { assertGolden } from "./harness.ts";
import { backupOf, ENTRIES, journalOf, linesOf, SIGNER_PEM } from "./signed_log.ts";

const changed = ENTRIES.map((entry) =>
  entry.sequence === 2 ? { ...entry, message: "never happened" } : entry
);
const backup = await backupOf();
const changedBackup = await backupOf(changed);

Deno.test("audit verify proves the journal's log untouched", () =>
  assertGolden("audit_verify", { args: ["audit", "verify"], journal: journalOf() }));

Deno.test("audit verify names the first entry of the journal's log that was changed", () =>
  assertGolden("audit_verify_changed", {
    args: ["audit", "verify"],
    journal: journalOf(changed),
  }));

Deno.test("audit verify follows what the caller may not see by its hashes", () =>
  assertGolden("audit_verify_hidden", {
    args: ["audit", "verify"],
    journal: journalOf(ENTRIES, [1, 5]),
  }));

Deno.test("audit verify holds a log against an entry that was noted", async () => {
  const args = (sequence: number, of = sequence) => [
    "audit",
    "verify",
    "--noted",
    `${sequence}:${ENTRIES[of]?.hash}`,
  ];
  await assertGolden("audit_verify_noted", { args: args(4), journal: journalOf() });
  await assertGolden("audit_verify_noted_other", { args: args(4, 3), journal: journalOf() });
  await assertGolden("audit_verify_noted_missing", {
    args: args(5),
    journal: journalOf(ENTRIES.slice(0, 5)),
  });
});

Deno.test("audit verify of an empty log", () =>
  assertGolden("audit_verify_empty", {
    args: ["audit", "verify"],
    journal: { config: { async *listEntries() {}, async *listCheckpoints() {} } },
  }));

Deno.test("ACC-C2: audit verify exits 5 when no journal answers", () =>
  assertGolden("audit_verify_unreachable", { args: ["audit", "verify", "https://127.0.0.1:1"] }));

Deno.test("audit verify proves a backup by the CA of --ca", () =>
  assertGolden("audit_verify_backup", {
    args: ["--ca", "DIR/site.crt", "audit", "verify", "DIR/backup.tar.gz"],
    files: { "backup.tar.gz": backup, "site.crt": SIGNER_PEM },
  }));

Deno.test("audit verify of a backup says when its signers are known from itself alone", () =>
  assertGolden("audit_verify_backup_untrusted", {
    args: ["audit", "verify", "DIR/backup.tar.gz"],
    files: { "backup.tar.gz": backup },
  }));

Deno.test("audit verify of a backup fails when no signature leads to the CA of --ca", () =>
  assertGolden("audit_verify_backup_other_ca", {
    args: ["--ca", "DIR/ca.crt", "audit", "verify", "DIR/backup.tar.gz"],
    files: { "backup.tar.gz": backup },
  }));

Deno.test("audit verify names the first entry of a backup that was changed", () =>
  assertGolden("audit_verify_backup_changed", {
    args: ["audit", "verify", "DIR/backup.tar.gz"],
    files: { "backup.tar.gz": changedBackup },
  }));

Deno.test("audit verify of a damaged backup says so", () =>
  assertGolden("audit_verify_backup_damaged", {
    args: ["audit", "verify", "DIR/backup.tar.gz"],
    files: { "backup.tar.gz": backup.slice(0, -30) },
  }));

Deno.test("audit verify reads entries line by line, also from the midst of a log", () =>
  assertGolden("audit_verify_lines", {
    args: ["audit", "verify", "DIR/log.jsonl"],
    files: { "log.jsonl": linesOf(ENTRIES.slice(2)) },
  }));

Deno.test("audit verify reads what log --output json prints, newest first as it is", () =>
  assertGolden("audit_verify_document", {
    args: ["audit", "verify", "DIR/log.json"],
    files: {
      "log.json": `${JSON.stringify({ entries: ENTRIES.toReversed() }, undefined, 2)}\n`,
    },
  }));

Deno.test("audit verify tells of an entry taken out of an export", () =>
  assertGolden("audit_verify_gap", {
    args: ["audit", "verify", "DIR/log.jsonl"],
    files: { "log.jsonl": linesOf(ENTRIES.toSpliced(2, 1)) },
  }));

Deno.test("audit verify refuses a file that holds no log, and one that is not there", async () => {
  await assertGolden("audit_verify_no_log", {
    args: ["audit", "verify", "DIR/text"],
    files: { text: "hello\n" },
  });
  await assertGolden("audit_verify_no_file", { args: ["audit", "verify", "DIR/none"] });
});

const record = {
  id: "op-7",
  timestamp: ago(600),
  actor: { principal: "alice@example.org", principalType: "Human", role: "pact-platform-admin" },
  operationType: "PolicyUpdate",
  scope: { scope: { case: "vclusterId" as const, value: "ml" } },
  outcome: "Denied",
  detail: "policy_update \u001b[31mrefused",
  source: "10.0.0.7",
  metadata: { via: "n1" },
};

Deno.test("CLI-57: audit shows who did what", () =>
  assertGolden("audit", {
    args: ["audit", "-n5", "--outcome", "denied"],
    journal: {
      fleet: {
        async *queryAudit() {
          yield record;
        },
      },
    },
  }));

Deno.test("CLI-57: audit without records says so and exits 0", () =>
  assertGolden("audit_empty", {
    args: ["audit"],
    journal: { fleet: { async *queryAudit() {} } },
  }));

Deno.test("CLI-57: audit of lattice needs its endpoint", () =>
  assertGolden("audit_lattice", { args: ["audit", "--source", "lattice"], journal: {} }));

Deno.test("ACC-C7: a viewer's audit exits 2", () =>
  assertGolden("audit_denied", {
    args: ["audit"],
    journal: {
      fleet: {
        queryAudit: refuse("PERMISSION_DENIED", "viewer role cannot perform action: audit (P2)"),
      },
    },
  }));
