/**
 * The files that libnss_pact.so.2 reads (NSS-3); the format is described in docs/identity-map.md and
 * `ffi/nss/database.h`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { MappedGroup, MappedUser } from "./people.ts";

const MAGIC = "PACTNSS1";
const FORMAT_VERSION = 1;
const HEADER_BYTES = 64;
const DIGEST_AT = 48;
const DIGEST_BYTES = 16;
/** From here to the end of the header stand version and digest: they change without the content. */
const VERSION_AT = 40;
/** Larger files are not read by the library. */
const MAX_FILE_BYTES = 64 * 2 ** 20;

const KINDS = { users: 1, groups: 2 } as const;

/** The bytes of passwd.db. @param users sorted by name, names and ids unique */
export function encodeUsers(users: readonly MappedUser[], version: bigint): Uint8Array {
  const writer = new Writer();
  const records = users.map((user) => {
    const texts = [user.name, user.gecos, user.home, user.shell].map(utf8);
    const offset = writer.u32(user.uid);
    writer.u32(user.gid);
    for (const text of texts) writer.u16(text.length);
    for (const text of texts) writer.bytes(text);
    return { offset, id: user.uid };
  });
  return finish(writer, KINDS.users, records, [], version);
}

/** The bytes of group.db. @param groups sorted by name, names and ids unique */
export function encodeGroups(groups: readonly MappedGroup[], version: bigint): Uint8Array {
  const writer = new Writer();
  const memberships: Membership[] = [];
  const records = groups.map(({ name, gid, members }) => {
    const text = utf8(name);
    const offset = writer.u32(gid);
    writer.u32(members.length);
    for (const length of [text.length, 0, 0, 0]) writer.u16(length);
    writer.bytes(text);
    for (const member of members) {
      memberships.push({ user: member, gid, textAt: writer.text(utf8(member)) });
    }
    return { offset, id: gid };
  });
  return finish(writer, KINDS.groups, records, memberships, version);
}

/** Whether two files hold the same people, whichever version of the map they are of. */
export function isSameContent(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => {
    return byte === b[index] || (index >= VERSION_AT && index < HEADER_BYTES);
  });
}

interface Membership {
  readonly user: string;
  readonly gid: number;
  readonly textAt: number;
}

/** Adds the indices and fills the header in. */
function finish(
  writer: Writer,
  kind: number,
  records: readonly { readonly offset: number; readonly id: number }[],
  memberships: readonly Membership[],
  version: bigint,
): Uint8Array {
  const byName = writer.length;
  for (const { offset } of records) writer.u32(offset);
  const byId = writer.length;
  for (const { offset } of [...records].sort((a, b) => a.id - b.id)) writer.u32(offset);
  const membersAt = writer.length;
  for (const { textAt, gid } of [...memberships].sort(byUserThenGid)) {
    writer.u32(textAt);
    writer.u32(gid);
  }
  const file = writer.take();
  if (file.length > MAX_FILE_BYTES) {
    throw new RangeError(
      `identity map of ${file.length} bytes, at most ${MAX_FILE_BYTES} are read`,
    );
  }
  const header = new DataView(file.buffer, file.byteOffset, HEADER_BYTES);
  file.set(utf8(MAGIC));
  [FORMAT_VERSION, kind, file.length, records.length, byName, byId, memberships.length, membersAt]
    .forEach((value, index) => header.setUint32(8 + 4 * index, value, true));
  header.setBigUint64(VERSION_AT, version, true);
  file.set(createHash("sha256").update(file).digest().subarray(0, DIGEST_BYTES), DIGEST_AT);
  return file;
}

/** The order in which the library searches: bytes of the name, which is ASCII, then the id. */
function byUserThenGid(a: Membership, b: Membership): number {
  if (a.user !== b.user) return a.user < b.user ? -1 : 1;
  return a.gid - b.gid;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Little-endian numbers and bytes behind room for the header. */
class Writer {
  #buffer = new Uint8Array(4096);
  #length = HEADER_BYTES;

  get length(): number {
    return this.#length;
  }

  /** Returns where it was written. */
  u32(value: number): number {
    const at = this.#grow(4);
    new DataView(this.#buffer.buffer).setUint32(at, value, true);
    return at;
  }

  u16(value: number): number {
    const at = this.#grow(2);
    new DataView(this.#buffer.buffer).setUint16(at, value, true);
    return at;
  }

  bytes(bytes: Uint8Array): number {
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
    return at;
  }

  text(bytes: Uint8Array): number {
    const at = this.u16(bytes.length);
    this.bytes(bytes);
    return at;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#length));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    return at;
  }
}
