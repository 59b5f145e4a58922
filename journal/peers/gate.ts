import type { PeerCertificate } from "../../common/tls/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { PeerDirectories } from "./network.ts";
import { type Hello, PROTOCOL_VERSION } from "./hello.ts";

/** Why a peer was refused; a metric counts by it (JRN-53). */
export type RefusalReason =
  /** No connection came about: no certificate, one of another CA, or no TLS at all. */
  | "handshake"
  /** No certificate of a journal member, or not valid any more. */
  | "certificate"
  | "unknown-member"
  /** It says that it is another member than its certificate does. */
  | "member-mismatch"
  | "other-cluster"
  | "protocol"
  | "duplicate-node-id"
  /** Its data directory is not the one that the quorum knows this member by. */
  | "other-directory"
  /** What it sent cannot be understood. */
  | "malformed";

/** A peer that is not to be listened to. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly text: string;
}

/** What this member knows that a peer is judged by. */
export interface Expectations {
  /** This member's own; absent while it waits to be taken in. */
  readonly clusterId: string | undefined;
  readonly isMember: (id: NodeId) => boolean;
  /** Absent where nobody's data directory matters. */
  readonly directories?: PeerDirectories;
}

/** What is known of a peer's certificate. */
export interface ShownCertificate {
  readonly certificate?: PeerCertificate;
  readonly authorized: boolean;
}

/** The member a valid certificate names, or why it names none that counts. */
export function certifiedMember(
  { certificate, authorized }: ShownCertificate,
  { isMember }: Expectations,
): NodeId | Refusal {
  if (certificate?.kind !== "journal" || !authorized) {
    const name = certificate === undefined ? "none" : `'${certificate.commonName}'`;
    return {
      reason: "certificate",
      text: `a valid certificate of a journal member is needed, shown was ${name}`,
    };
  }
  if (!isMember(certificate.memberId)) {
    return { reason: "unknown-member", text: `${certificate.memberId} is no other member here` };
  }
  return certificate.memberId;
}

/** Why what the peer says of itself cannot be true, or is not for this member; else undefined. */
export function refuseHello(
  hello: Hello | undefined,
  certified: NodeId,
  { clusterId, directories }: Expectations,
): Refusal | undefined {
  if (hello === undefined) return { reason: "malformed", text: "no hello that can be understood" };
  if (hello.protocolVersion !== PROTOCOL_VERSION) {
    return {
      reason: "protocol",
      text: `version ${hello.protocolVersion} of the protocol, here it is ${PROTOCOL_VERSION}`,
    };
  }
  if (hello.memberId !== certified) {
    return {
      reason: "member-mismatch",
      text: `a certificate of member ${certified} and a hello of member ${hello.memberId}`,
    };
  }
  const differs = clusterId !== undefined && hello.clusterId !== undefined &&
    hello.clusterId !== clusterId;
  if (differs) {
    return {
      reason: "other-cluster",
      text: `cluster ${hello.clusterId}, here it is ${clusterId}`,
    };
  }
  return directories?.judge(certified, hello.directoryId) === "other"
    ? { reason: "other-directory", text: otherDirectory(certified, hello.directoryId) }
    : undefined;
}

function otherDirectory(member: NodeId, said: string | undefined): string {
  return `member ${member} takes part with another data directory than ${
    said ?? "one without an id"
  }: if ` +
    "it lost its data, remove it, and add one with an empty data directory under another id";
}
