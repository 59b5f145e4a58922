import { type Client, type ConnectRouter, createClient } from "@connectrpc/connect";
import {
  createRpcTransport,
  type RpcTransport,
  type RpcTransportOptions,
} from "../../../../common/rpc/mod.ts";
import {
  type Peer,
  peerKey,
  type RpcServer,
  type RpcServerOptions,
  serveRpc,
} from "../../../../common/rpc_server/mod.ts";
import { EchoService, type TestPki } from "../../../support/mod.ts";

/** The echo service's handlers, noting who called. */
export function echoRoutes(peersSeen: Peer[] = []): (router: ConnectRouter) => void {
  return (router) =>
    router.service(EchoService, {
      echo(request, context) {
        peersSeen.push(context.values.get(peerKey));
        return { value: request.value };
      },
      async *repeat(request, context) {
        while (!context.signal.aborted) {
          yield { value: request.value };
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
      async *converse(requests) {
        for await (const { value } of requests) yield { value };
      },
    });
}

/** An echo server over TLS that asks for client certificates. */
export async function serveEcho(
  pki: TestPki,
  options: Partial<RpcServerOptions> = {},
): Promise<RpcServer> {
  return await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    tls: { ...(await serverTls(pki)), clientCaPem: pki.caPem },
    clientAuth: "optional",
    routes: echoRoutes(),
    ...options,
  });
}

/** A server certificate in the shape a listener takes. */
export async function serverTls(pki: TestPki) {
  const { fullChainPem, keyPem } = await pki.server();
  return { certPem: fullChainPem, keyPem };
}

/** An echo client with its transport, closed at the end of the scope. */
export function dialEcho(
  server: RpcServer,
  options: Partial<RpcTransportOptions>,
): Disposable & { client: Client<typeof EchoService>; transport: RpcTransport } {
  const transport = createRpcTransport({
    endpoint: `https://127.0.0.1:${server.port}`,
    ...options,
  });
  return {
    transport,
    client: createClient(EchoService, transport),
    [Symbol.dispose]: () => transport.close(),
  };
}

/** Bytes of a text, as the echo service carries them. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Serves the echo service in cleartext. */
export function servePlain(options: Partial<RpcServerOptions> = {}): Promise<RpcServer> {
  return serveRpc({
    name: "plain",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: echoRoutes(),
    ...options,
  });
}
