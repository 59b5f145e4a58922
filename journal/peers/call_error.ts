import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { raft } from "../../api/mod.ts";
import {
  fromConnectError,
  isErrorCode,
  PactError,
  toConnectError,
} from "../../common/errors/mod.ts";

/**
 * What a peer is told of an error. What is none for callers stays here: `onInternal` learns of it,
 * and the peer of the incident's id.
 */
export function wireErrorOf(
  error: unknown,
  onInternal: (error: unknown, incidentId: string) => void,
): raft.PeerCallError {
  if (error instanceof PactError) return wireError(error);
  const incidentId = crypto.getRandomValues(new Uint8Array(6)).toHex();
  if (!(error instanceof ConnectError)) onInternal(error, incidentId);
  return wireError(fromConnectError(toConnectError(error, incidentId)));
}

export function wireError({ code, message, trailers }: PactError): raft.PeerCallError {
  return create(raft.PeerCallErrorSchema, { code, message, trailers: { ...trailers } });
}

/** The error that a peer told of. */
export function errorOfWire(error: raft.PeerCallError | undefined): PactError {
  const { code = "", message = "", trailers = {} } = error ?? {};
  return new PactError(isErrorCode(code) ? code : "INTERNAL", message, { trailers });
}
