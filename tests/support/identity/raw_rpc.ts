/** Calls as a program makes them that knows gRPC and nothing of pact: one HTTP/2 stream each. */
import * as http2 from "node:http2";
import { type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import { framed } from "../journal/mod.ts";

/** How a connection is made. */
export interface RawTarget {
  /** HOST:PORT. */
  readonly address: string;
  readonly caPem: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  /** The name in the server's certificate, where it is not the host: a node's id. */
  readonly serverName?: string;
}

/** How a call ended, or that there was nobody to answer it. */
export type RawAnswer =
  | { readonly kind: "no connection" }
  /** A stream that was let in and has more to say, or nothing yet. */
  | { readonly kind: "open"; readonly text: string }
  /** Answered in another protocol than gRPC. */
  | { readonly kind: "http"; readonly status: number; readonly text: string }
  | {
    readonly kind: "ended";
    /** Number of the gRPC status. */
    readonly status: number;
    /** The stable code of pact, "" for success. */
    readonly code: string;
    readonly message: string;
    /** The answer's bytes as text, to search in. */
    readonly text: string;
  };

/** One connection. */
export interface RawConnection extends Disposable {
  /** Whether either side has ended it. */
  readonly isClosed: boolean;
  call(method: DescMethod, request: Message, headers?: Record<string, string>): Promise<RawAnswer>;
  /** The same with any bytes as the request's body. */
  send(path: string, body: Uint8Array, headers?: Record<string, string>): Promise<RawAnswer>;
}

/** A stream on which nothing has been refused for this long is open; refusals wait a second (AUT-12). */
const OPEN_AFTER_MS = 2_500;
const ANSWER_LIMIT_MS = 30_000;

/** Opens a connection; that it fails shows in the answers. */
export function openRawConnection(target: RawTarget): RawConnection {
  const session = http2.connect(`https://${target.address}`, {
    ca: target.caPem,
    ...(target.serverName === undefined ? {} : { servername: target.serverName }),
    ...(target.certPem === undefined ? {} : { cert: target.certPem, key: target.keyPem }),
  });
  // Each call learns of it by its own stream.
  session.on("error", () => {});
  const send = (path: string, body: Uint8Array, headers: Record<string, string>, opens: boolean) =>
    session.closed || session.destroyed
      ? Promise.resolve<RawAnswer>({ kind: "no connection" })
      : exchange(session, path, body, headers, opens);
  return {
    get isClosed() {
      return session.closed || session.destroyed;
    },
    call: (method, request, headers = {}) =>
      send(
        `/${method.parent.typeName}/${method.name}`,
        framed(toBinary(method.input, request)),
        headers,
        method.methodKind !== "unary",
      ),
    send: (path, body, headers = {}) => send(path, body, headers, false),
    [Symbol.dispose]: () => session.close(),
  };
}

function exchange(
  session: http2.ClientHttp2Session,
  path: string,
  body: Uint8Array,
  headers: Record<string, string>,
  opens: boolean,
): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer>();
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let text = "";
  let httpStatus = 0;
  const decoder = new TextDecoder();
  const take = (fields: object) => {
    const known = new Map(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    const status = known.get("grpc-status");
    httpStatus = Number(known.get(":status") ?? httpStatus);
    if (status === undefined) return;
    const message = decodeURIComponent(known.get("grpc-message") ?? "");
    const code = known.get("x-pact-error") ?? "";
    resolve({ kind: "ended", status: Number(status), code, message, text });
  };
  stream.on("response", take);
  stream.on("trailers", take);
  stream.on("data", (bytes: Uint8Array) => {
    text += decoder.decode(bytes, { stream: true });
  });
  stream.on("error", () => resolve({ kind: "no connection" }));
  stream.on("close", () =>
    resolve(
      httpStatus === 0
        ? { kind: "no connection" }
        : { kind: "http", status: httpStatus, text: text + decoder.decode() },
    ));
  const timer = setTimeout(
    () => resolve(opens ? { kind: "open", text } : { kind: "no connection" }),
    opens ? OPEN_AFTER_MS : ANSWER_LIMIT_MS,
  );
  stream.end(body);
  return promise.finally(() => {
    clearTimeout(timer);
    stream.close();
  });
}
