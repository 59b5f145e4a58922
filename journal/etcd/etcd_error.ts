import { Code, ConnectError } from "@connectrpc/connect";
import { isTrustError } from "../../common/rpc/mod.ts";

/**
 * What went wrong between this journal and etcd.
 *
 * | kind        | meaning                                                         | try again    |
 * |-------------|-----------------------------------------------------------------|--------------|
 * | unreachable | no member of etcd answered in time, or none has a quorum        | yes          |
 * | refused     | a certificate or a permission does not do                       | when changed |
 * | full        | etcd takes no more: its quota is used up, or it is overloaded   | yes          |
 * | compacted   | etcd has forgotten the history that was asked for               | from newer   |
 * | invalid     | etcd does not understand what this program says, or the reverse | no           |
 */
export type EtcdErrorKind = "unreachable" | "refused" | "full" | "compacted" | "invalid";

/** A call of etcd that failed; the message names the endpoint, what it said, and what to do. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";

  constructor(readonly kind: EtcdErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

const KINDS: ReadonlyMap<Code, EtcdErrorKind> = new Map([
  [Code.Unauthenticated, "refused"],
  [Code.PermissionDenied, "refused"],
  [Code.ResourceExhausted, "full"],
  [Code.OutOfRange, "compacted"],
  [Code.InvalidArgument, "invalid"],
  [Code.Unimplemented, "invalid"],
  [Code.NotFound, "invalid"],
]);

/** How etcd refuses a certificate: before anything is said. */
const TLS_ALERT = /fatal alert/i;

const REMEDIES: Readonly<Record<EtcdErrorKind, string>> = {
  unreachable: "is it running, and has it a quorum?",
  refused: "check journal.etcd.ca_file, cert_file and key_file, and the rights etcd gives them",
  full: "compact and defragment etcd or raise its quota, then disarm its alarm",
  compacted: "the journal reads the log anew",
  invalid: "is this an etcd of version 3.4 or later?",
};

/** @param endpoint that the call went to. */
export function etcdErrorOf(error: unknown, endpoint: string): EtcdError {
  const cause = ConnectError.from(error);
  const isDistrust = isTrustError(error) || TLS_ALERT.test(cause.rawMessage);
  const kind = isDistrust ? "refused" : KINDS.get(cause.code) ?? "unreachable";
  const said = cause.rawMessage.includes(endpoint)
    ? cause.rawMessage
    : `${endpoint}: ${cause.rawMessage}`;
  return new EtcdError(kind, `etcd: ${said}; ${REMEDIES[kind]}`, { cause });
}
