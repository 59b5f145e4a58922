/** One stream of a node's SPIFFE agent, over its unix socket (SPIFFE_Workload_API.md). */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { spiffe } from "../../api/mod.ts";
import { createRpcTransport } from "../rpc/mod.ts";
import { SpiffeError } from "./error.ts";
import type { SvidSet } from "./svid.ts";
import { readX509Answer } from "./x509_answer.ts";

/** Where SPIFFE agents are found unless a site says otherwise (PATH-15). */
export const DEFAULT_SPIRE_SOCKET = "/run/spire/agent.sock";

/** Largest answer: 128 bundles of a few certificates each take far less. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;

/** How deep the reason of an error is looked for. */
const MAX_CAUSES = 8;

/** Without it an agent refuses the call: a request that a browser was tricked into lacks it. */
const SECURITY_HEADER = { "workload.spiffe.io": "true" } as const;

/**
 * The process's identities, now and whenever they change, until the agent ends the stream or `signal`
 * aborts; a stream that ends throws.
 *
 * @throws SpiffeError UNAVAILABLE, NO_AGENT, NO_IDENTITY or MALFORMED.
 */
export async function* x509Answers(
  socketPath: string,
  signal: AbortSignal,
): AsyncGenerator<SvidSet, never, undefined> {
  await requireSocket(socketPath);
  const transport = createRpcTransport({
    endpoint: "http://localhost",
    socketPath,
    readMaxBytes: ANSWER_MAX_BYTES,
  });
  const end = () => transport.close();
  signal.addEventListener("abort", end, { once: true });
  try {
    const client = createClient(spiffe.SpiffeWorkloadAPI, transport);
    for await (const answer of client.fetchX509SVID({}, { signal, headers: SECURITY_HEADER })) {
      yield readX509Answer(answer);
    }
  } catch (error) {
    throw asSpiffeError(error, socketPath);
  } finally {
    signal.removeEventListener("abort", end);
    transport.close();
  }
  throw new SpiffeError("UNAVAILABLE", `the SPIFFE agent at ${socketPath} ended the stream`);
}

/** Most machines have no agent: that takes no connection to find out. @throws SpiffeError */
async function requireSocket(path: string): Promise<void> {
  try {
    await Deno.stat(path);
  } catch (error) {
    throw asSpiffeError(error, path);
  }
}

function asSpiffeError(error: unknown, socketPath: string): SpiffeError {
  if (error instanceof SpiffeError) return error;
  if (isNotCapable(error)) {
    const message =
      `${socketPath} is outside of what this program may use: put the agent's socket into /run/spire`;
    return new SpiffeError("NO_AGENT", message, { cause: error });
  }
  const { code, rawMessage } = ConnectError.from(error);
  if (code === Code.PermissionDenied) {
    return new SpiffeError("NO_IDENTITY", `the SPIFFE agent refuses: ${rawMessage}`);
  }
  const isThere = !hasCode(error, ["ENOENT", "ECONNREFUSED"]);
  return new SpiffeError(
    isThere ? "UNAVAILABLE" : "NO_AGENT",
    isThere ? `${socketPath}: ${rawMessage}` : `no SPIFFE agent listens at ${socketPath}`,
    { cause: error },
  );
}

/** Whether the runtime's permissions are the reason, somewhere below the error. */
function isNotCapable(error: unknown): boolean {
  return causesOf(error).some((cause) => cause instanceof Deno.errors.NotCapable);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return causesOf(error).some((cause) =>
    "code" in cause && typeof cause.code === "string" && codes.includes(cause.code)
  );
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  let current = error;
  while (current instanceof Error && causes.length < MAX_CAUSES) {
    causes.push(current);
    current = current.cause;
  }
  return causes;
}
