import assert from "node:assert/strict";
import { BackupError, verifyBackup } from "../../../../common/backup/mod.ts";
import { createCa } from "../../../../common/tls/mod.ts";
import { makeBackup, restoreBackup } from "../../../../journal/backup/mod.ts";
import { applyMembership, foundCluster, storedCluster } from "../../../../journal/state/mod.ts";
import { StateStore } from "../../../../journal/store/mod.ts";
import {
  append,
  changedBackup,
  openJournalSite,
  readBackup,
  signedBackup,
  streamOf,
  TestState,
} from "../../../support/journal/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const now = new Date("2026-01-01T00:00:00Z");
const ca = await createCa({ commonName: "pact journal 1 CA", validDays: 365, now });
const backup = await signedBackup(ca, 25);

async function backUp(dataDir: string, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const out = await Deno.open(file, { write: true, createNew: true });
  await makeBackup(dataDir, out.writable, now);
  return new Uint8Array(await Deno.readFile(file));
}

Deno.test("JRN-68: a backup says what it is of, and verifies", async () => {
  const { metadata, log } = await verifyBackup(streamOf(backup), { trustedPem: ca.certPem });
  assert.equal(log.finding, undefined);
  assert.deepEqual([log.entries, log.checkpoints, log.trustedThrough], [25, 2, 19]);
  assert.equal(metadata.entries, 25);
  assert.equal(metadata.head_hash, log.head.hash);
  assert.equal(metadata.last_index, 28);
  assert.equal(metadata.created_at, "2026-01-01T00:00:00.000Z");
});

Deno.test("JRN-68: any tar reads a backup", async () => {
  await using dir = await tempDir();
  await Deno.writeFile(dir.file("b.tar.gz"), backup);
  const { stdout } = await new Deno.Command("tar", {
    args: ["-tvzf", dir.file("b.tar.gz")],
    env: { TZ: "UTC" },
  }).output();
  const listing = new TextDecoder().decode(stdout);
  assert.match(
    listing,
    /^-rw------- .* 2026-01-01 00:00 metadata\.json\n-rw-------.* snapshot\.json\n$/,
  );
});

const entryLine = (sequence: number) => (line: string) => line.includes(`"sequence":${sequence},`);

Deno.test("a backup in which an entry was changed, moved or taken out is told by that entry, though every checksum was made to fit", async () => {
  const at = (lines: string[], sequence: number) => lines.findIndex(entryLine(sequence));
  for (
    const [change, sequence, problem] of [
      [(lines) => lines.map((line) => line.replace("entry of 13", "entry of 99")), 12, "changed"],
      [(lines) => lines.toSpliced(at(lines, 7), 1), 7, "missing"],
      [
        (lines) => {
          const place = at(lines, 7);
          return lines.with(place, lines[place + 1] ?? "").with(place + 1, lines[place] ?? "");
        },
        7,
        "missing",
      ],
      [(lines) => lines.toSpliced(at(lines, 7), 0, lines[at(lines, 3)] ?? ""), 3, "order"],
      [
        (lines) => lines.filter((line) => !line.startsWith('["checkpoint_signers"')),
        9,
        "signature",
      ],
      [
        (lines) => lines.map((line) => line.replace(/"signed_at":"2026/, '"signed_at":"2025')),
        9,
        "signature",
      ],
    ] as [(lines: string[]) => string[], number, string][]
  ) {
    const { log } = await verifyBackup(streamOf(await changedBackup(backup, change)));
    assert.deepEqual([log.finding?.sequence, log.finding?.problem], [sequence, problem]);
  }
});

Deno.test("a backup cut short at its newest entries lacks them", async () => {
  const cut = await changedBackup(
    backup,
    (lines) => {
      const from = lines.findIndex(entryLine(15));
      const kept = lines.toSpliced(from, 10);
      return kept.with(from - 1, kept[from - 1]?.replace(/,$/, "") ?? "");
    },
    (metadata) => ({ ...metadata, entries: 15 }),
  );
  const { log } = await verifyBackup(streamOf(cut));
  assert.deepEqual([log.finding?.sequence, log.finding?.problem], [15, "missing"]);
});

const UNREADABLE: readonly [
  what: string,
  make: () => Promise<Uint8Array> | Uint8Array,
  message: RegExp,
][] = [
  ["that is no archive", () => new TextEncoder().encode("hello"), /cannot be read as a backup/],
  ["that is empty", () => new Uint8Array(), /breaks off|cannot be read/],
  ["that breaks off", () => backup.subarray(0, backup.length - 200), /cannot be read|breaks off/],
  ["with a flipped bit", () => {
    const middle = Math.floor(backup.length / 2);
    return backup.with(middle, (backup[middle] ?? 0) ^ 1);
  }, /./],
  [
    "of a document changed without its SHA-256",
    () =>
      changedBackup(backup, (lines) => lines, (about) => ({ ...about, sha256: "0".repeat(64) })),
    /does not have its SHA-256/,
  ],
  [
    "of another moment than it says",
    () => changedBackup(backup, (lines) => lines, (about) => ({ ...about, last_index: 7 })),
    /another moment/,
  ],
  [
    "of a newer schema",
    () => changedBackup(backup, (lines) => lines, (about) => ({ ...about, schema_version: 99 })),
    /newer than 2: use the newer program/,
  ],
  [
    "without its last line",
    () => changedBackup(backup, (lines) => lines.slice(0, -1)),
    /breaks off in line/,
  ],
];

for (const [what, make, message] of UNREADABLE) {
  Deno.test(`JRN-68: a backup ${what} is refused by what is wrong with it`, async () => {
    const bytes = await make();
    await assert.rejects(
      async () => {
        const { log } = await verifyBackup(streamOf(bytes), { schemaVersion: 2 });
        assert.notEqual(log.finding, undefined);
        throw new BackupError("found");
      },
      (error) => error instanceof BackupError && message.test(error.message),
    );
  });
}

Deno.test("JRN-68: a running journal is backed up as of one moment, and what is restored is that", async () => {
  await using site = await openJournalSite();
  await using dir = await tempDir();
  const ann = await site.as();
  const write = async (key: string) => {
    const stateDelta = { kernel: [{ key, declaredValue: "1" }] };
    const scope = { scope: { case: "vclusterId" as const, value: "ml" } };
    await ann.config.appendEntry({ entry: { entryType: 1, scope, stateDelta } });
  };
  for (let count = 0; count < 20; count++) await write(`before.${count}`);
  const [bytes] = await Promise.all([
    backUp(site.dataDir, dir.file("b.tar.gz")),
    ...Array.from({ length: 20 }, (_, at) => write(`during.${at}`)),
  ]);
  const { metadata, log } = await restoreBackup(streamOf(bytes), dir.file("restored"));
  assert.equal(log.finding, undefined);
  assert.ok(metadata.entries >= 20);
  const restored = new StateStore(dir.file("restored/state.db"));
  assert.equal(restored.nextSequence, metadata.entries);
  assert.equal(Number(restored.applied.index), metadata.last_index);
  assert.equal(restored.history.entry(0)?.hash, [...restored.entryPages({})].flat()[0]?.hash);
  restored.close();
  assert.deepEqual([...Deno.readDirSync(dir.file("restored"))].map(({ name }) => name), [
    "state.db",
  ]);
});

Deno.test("JRN-68: what is restored and backed up again is the same but for its cluster", async () => {
  await using dir = await tempDir();
  await restoreBackup(streamOf(backup), dir.file("one"));
  const again = await readBackup(await backUp(dir.file("one"), dir.file("again.tar.gz")));
  assert.equal(again.snapshot, (await readBackup(backup)).snapshot);
});

Deno.test("JRN-68: a restored state belongs to no cluster and has no members", async () => {
  await using dir = await tempDir();
  Deno.mkdirSync(dir.file("data"));
  {
    using state = new TestState(dir.file("data/state.db"));
    state.append(append({}));
    const membership = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [] };
    const where = { raft_address: "a:9444", api_address: "a:9443" };
    state.store.batch(() => {
      const founded = { cluster_id: "c-1", created_at: now.toISOString() };
      state.store.write([], foundCluster(state.store, founded), []);
      const changes = applyMembership(
        state.store,
        { ...membership, autoLeave: false },
        new Map([[1, where]]),
      );
      state.store.write([], changes, []);
    });
  }
  const bytes = await backUp(dir.file("data"), dir.file("b.tar.gz"));
  const { metadata } = await restoreBackup(streamOf(bytes), dir.file("new"));
  assert.equal(metadata.cluster_id, "c-1");
  const restored = new StateStore(dir.file("new/state.db"));
  assert.equal(storedCluster(restored), undefined);
  assert.deepEqual([...restored.list("members")], []);
  assert.deepEqual([...restored.list("quorum")], []);
  restored.close();
});

Deno.test("JRN-68: nothing is restored into a directory that holds something, or from a changed backup", async () => {
  await using dir = await tempDir();
  Deno.mkdirSync(dir.file("used"));
  Deno.writeTextFileSync(dir.file("used/state.db"), "");
  await assert.rejects(
    restoreBackup(streamOf(backup), dir.file("used")),
    /is not empty, it holds state\.db/,
  );
  const changed = await changedBackup(
    backup,
    (lines) => lines.map((line) => line.replace("entry of 13", "entry of 99")),
  );
  Deno.mkdirSync(dir.file("new/ca"), { recursive: true });
  await assert.rejects(
    restoreBackup(streamOf(changed), dir.file("new")),
    /entry 12 was changed.*such a backup is not restored/,
  );
  assert.deepEqual([...Deno.readDirSync(dir.file("new"))].map(({ name }) => name), ["ca"]);
  await restoreBackup(streamOf(backup), dir.file("new"));
});

Deno.test("JRN-69: no private key and no secret is part of a backup", async () => {
  await using site = await openJournalSite();
  await using dir = await tempDir();
  const node = await site.node("n1", "ml");
  const { snapshot, metadata } = await readBackup(
    await backUp(site.dataDir, dir.file("b.tar.gz")),
  );
  assert.match(snapshot, /BEGIN CERTIFICATE/, "the CA's certificate is in it");
  const secrets = [
    Deno.readTextFileSync(`${site.path}/ca/ca.key`),
    node.keyPem.reveal(),
    Deno.readTextFileSync(`${site.path}/secret`),
  ].flatMap((text) => text.split("\n").filter((line) => line.length > 20 && !line.includes("---")));
  for (const text of [snapshot, metadata]) {
    assert.doesNotMatch(text, /PRIVATE KEY/);
    for (const secret of secrets) assert.ok(!text.includes(secret));
  }
});

Deno.test("a backup of a directory without a journal is refused by name", async () => {
  await using dir = await tempDir();
  await assert.rejects(backUp(dir.path, dir.file("b")), /state\.db: there is no state database/);
});
