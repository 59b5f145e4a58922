/** Backups as bytes: made of a small signed log, taken apart, put together again with changes. */
import { createHash } from "node:crypto";
import {
  METADATA_FILE,
  SNAPSHOT_FILE,
  TAR_END,
  tarHeader,
  tarPadding,
} from "../../../common/backup/mod.ts";
import { checkpointBytes, signerOf } from "../../../common/chain/mod.ts";
import { type CertificateAuthority, signWithCa } from "../../../common/tls/mod.ts";
import { makeBackup } from "../../../journal/backup/mod.ts";
import { tempDir } from "../temp_dir.ts";
import { append } from "./commands.ts";
import { TestState } from "./test_state.ts";

/** The two files of a backup as text. */
export interface BackupFiles {
  readonly metadata: string;
  readonly snapshot: string;
}

/** A stream of the bytes, in pieces of an awkward size. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = Array.from(
    { length: Math.ceil(bytes.byteLength / 1000) },
    (_, at) => new Uint8Array(bytes.subarray(at * 1000, (at + 1) * 1000)),
  );
  return ReadableStream.from(pieces);
}

/** Bytes of a backup of `entries` entries, one in ten signed by `ca`. */
export async function signedBackup(
  ca: CertificateAuthority,
  entries: number,
  signed = true,
): Promise<Uint8Array<ArrayBuffer>> {
  await using dir = await tempDir();
  using state = new TestState(dir.file("state.db"));
  state.send({
    type: "PublishCa",
    journal_node_id: "1",
    certificate_pem: ca.certPem,
    not_after: ca.notAfter.toISOString(),
  });
  for (let count = 1; count <= entries; count++) {
    const sequence = state.append(append({ message: `entry of ${count}` }));
    if (!signed || count % 10 !== 0) continue;
    const statement = {
      sequence,
      hash: state.entry(sequence).hash ?? "",
      signed_at: new Date(state.nowMs).toISOString(),
    };
    const signature = (await signWithCa(ca, checkpointBytes(statement))).toBase64();
    const checkpoint = { ...statement, signer: signerOf(ca.certPem) ?? "", signature };
    state.send({ type: "RecordCheckpoint", checkpoint });
  }
  return await bytesOf((out) => makeBackup(dir.path, out, new Date(state.nowMs)));
}

/** What `write` writes. */
async function bytesOf(
  write: (out: WritableStream<Uint8Array<ArrayBuffer>>) => Promise<unknown>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new TransformStream<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >();
  const [bytes] = await Promise.all([new Response(readable).bytes(), write(writable)]);
  return bytes;
}

/** The files in a backup. */
export async function readBackup(bytes: Uint8Array): Promise<BackupFiles> {
  const tar = await new Response(streamOf(bytes).pipeThrough(new DecompressionStream("gzip")))
    .bytes();
  const text = (from: number, size: number) =>
    new TextDecoder().decode(tar.subarray(from, from + size));
  const size = (at: number) => Number.parseInt(text(at + 124, 11), 8);
  const second = 512 + Math.ceil(size(0) / 512) * 512;
  return { metadata: text(512, size(0)), snapshot: text(second + 512, size(second)) };
}

/** The backup with its snapshot changed, and its metadata made to fit unless changed too. */
export async function changedBackup(
  bytes: Uint8Array,
  change: (lines: string[]) => readonly string[],
  changeMetadata: (metadata: Record<string, unknown>) => object = (metadata) => metadata,
): Promise<Uint8Array<ArrayBuffer>> {
  const files = await readBackup(bytes);
  const snapshot = `${change(files.snapshot.trimEnd().split("\n")).join("\n")}\n`;
  const sha256 = createHash("sha256").update(snapshot).digest("hex");
  const metadata = JSON.stringify(changeMetadata({ ...JSON.parse(files.metadata), sha256 }));
  return await packedBackup({ metadata, snapshot });
}

/** The archive of the two files. */
export async function packedBackup(
  { metadata, snapshot }: BackupFiles,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = [[METADATA_FILE, metadata], [SNAPSHOT_FILE, snapshot]].flatMap(
    ([name = "", text = ""]) => {
      const content = new TextEncoder().encode(text);
      return [tarHeader(name, content.byteLength, 0), content, tarPadding(content.byteLength)];
    },
  );
  const tar = new Blob([...parts, TAR_END].map((part) => new Uint8Array(part)));
  return await new Response(tar.stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}
