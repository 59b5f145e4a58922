import { createHash } from "node:crypto";

/** Sends one command to the TPM and returns its answer. */
export type TpmExchange = (command: Uint8Array<ArrayBuffer>) => Uint8Array;

/** Where manufacturers keep the certificates of the endorsement keys (TCG EK Credential Profile). */
const CERTIFICATE_INDEXES = [0x01c00002, 0x01c0000a] as const;
/** Where the endorsement key itself is kept, if it is. */
const KEY_HANDLES = [0x81010001, 0x81010002] as const;

const NO_SESSIONS = 0x8001;
const SESSIONS = 0x8002;
const NV_READ = 0x0000014e;
const NV_READ_PUBLIC = 0x00000169;
const READ_PUBLIC = 0x00000173;
const PASSWORD_SESSION = 0x40000009;
const HEADER_BYTES = 10;
/** What every TPM gives out at once. */
const CHUNK_BYTES = 512;
const MAX_CERTIFICATE_BYTES = 16 * 1024;

/**
 * SHA-256 of the TPM's endorsement key certificate, else of the key's public area, in hexadecimal
 * (NEN-1): what `tpm2_getekcertificate -o ek.der` or `tpm2_readpublic` shows, fed to `sha256sum`.
 * Undefined where the TPM has neither at its usual place.
 */
export function endorsementKeyHash(exchange: TpmExchange): string | undefined {
  for (const index of CERTIFICATE_INDEXES) {
    const certificate = attempt(() => readCertificate(exchange, index));
    if (certificate !== undefined) return sha256(certificate);
  }
  for (const handle of KEY_HANDLES) {
    const key = attempt(() => readPublicArea(exchange, handle));
    if (key !== undefined) return sha256(key);
  }
  return undefined;
}

/** A TPM that has no such thing, or answers nonsense, has none. */
function attempt(read: () => Uint8Array): Uint8Array | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readCertificate(exchange: TpmExchange, index: number): Uint8Array {
  const area = run(exchange, NO_SESSIONS, NV_READ_PUBLIC, u32(index));
  const nvPublic = sized(area);
  // nvIndex, nameAlg, attributes, authPolicy, dataSize (TPM 2.0 part 2, 13.5).
  const policyBytes = uint(nvPublic, 10, 2);
  const dataBytes = uint(nvPublic, 12 + policyBytes, 2);
  if (dataBytes === 0 || dataBytes > MAX_CERTIFICATE_BYTES) throw new Error("no certificate");
  const certificate = new Uint8Array(dataBytes);
  for (let offset = 0; offset < dataBytes; offset += CHUNK_BYTES) {
    const count = Math.min(CHUNK_BYTES, dataBytes - offset);
    const answer = run(exchange, SESSIONS, NV_READ, [
      ...u32(index),
      ...u32(index),
      ...emptyPassword(),
      ...u16(count),
      ...u16(offset),
    ]);
    // The size of the parameters stands first where there are sessions.
    const data = sized(answer.subarray(4));
    if (data.length !== count) throw new Error("less than was asked for");
    certificate.set(data, offset);
  }
  return trimmedToDer(certificate);
}

function readPublicArea(exchange: TpmExchange, handle: number): Uint8Array {
  const area = sized(run(exchange, NO_SESSIONS, READ_PUBLIC, u32(handle)));
  if (area.length === 0) throw new Error("no key");
  return area;
}

function run(
  exchange: TpmExchange,
  tag: number,
  code: number,
  parameters: readonly number[],
): Uint8Array {
  const length = HEADER_BYTES + parameters.length;
  const answer = exchange(Uint8Array.of(...u16(tag), ...u32(length), ...u32(code), ...parameters));
  const isWhole = answer.length >= HEADER_BYTES && uint(answer, 2, 4) === answer.length;
  if (!isWhole || uint(answer, 6, 4) !== 0) throw new Error("the TPM refuses");
  return answer.subarray(HEADER_BYTES);
}

/** Reserved space behind the certificate is not part of it. */
function trimmedToDer(bytes: Uint8Array): Uint8Array {
  const lengthBytes = uint(bytes, 1, 1) === 0x82 ? 2 : uint(bytes, 1, 1) === 0x81 ? 1 : 0;
  if (bytes[0] !== 0x30 || lengthBytes === 0) throw new Error("no certificate");
  const end = 2 + lengthBytes + uint(bytes, 2, lengthBytes);
  if (end > bytes.length) throw new Error("half a certificate");
  return bytes.subarray(0, end);
}

/** A TPM2B: its size, then that many bytes. */
function sized(bytes: Uint8Array): Uint8Array {
  const end = 2 + uint(bytes, 0, 2);
  if (end > bytes.length) throw new Error("less than it says");
  return bytes.subarray(2, end);
}

/** The authorisation area of an object without a password. */
function emptyPassword(): number[] {
  const session = [...u32(PASSWORD_SESSION), ...u16(0), 0, ...u16(0)];
  return [...u32(session.length), ...session];
}

function uint(bytes: Uint8Array, offset: number, count: number): number {
  if (offset + count > bytes.length) throw new Error("less than it says");
  return bytes.subarray(offset, offset + count).reduce((sum, byte) => sum * 256 + byte, 0);
}

function u16(value: number): number[] {
  return [value >>> 8 & 0xff, value & 0xff];
}

function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
