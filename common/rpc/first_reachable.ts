import { Code, ConnectError } from "@connectrpc/connect";
import { createRpcTransport, type RpcTransport, type RpcTransportOptions } from "./client.ts";

/** Options of a transport to whichever of several servers answers. */
export type FirstReachableOptions = Omit<RpcTransportOptions, "endpoint"> & {
  /** In order of preference; at least one. */
  endpoints: readonly string[];
};

/**
 * Connects to the first endpoint that answers, trying each for the connect timeout (3 s unless set,
 * CLI-5).
 *
 * @throws ConnectError with the code of the last failure, naming every endpoint and its reason.
 */
export async function connectFirstReachable(options: FirstReachableOptions): Promise<RpcTransport> {
  const failures: ConnectError[] = [];
  for (const endpoint of options.endpoints) {
    const transport = createRpcTransport({ ...options, endpoint });
    try {
      await transport.connect();
      return transport;
    } catch (error) {
      transport.close();
      failures.push(ConnectError.from(error));
    }
  }
  const [only] = failures;
  if (only !== undefined && failures.length === 1) throw only;
  throw new ConnectError(
    failures.length === 0
      ? "no endpoint is configured"
      : `no endpoint can be reached: ${failures.map((failure) => failure.rawMessage).join("; ")}`,
    failures.at(-1)?.code ?? Code.InvalidArgument,
  );
}
