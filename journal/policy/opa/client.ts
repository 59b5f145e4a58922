/**
 * HTTP to an OPA server, over connections that stay open between questions. It owns them and ends
 * with `close`. Plain `fetch` would go through the proxy of the process's environment, and the server
 * is beside the journal.
 */

import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { EngineUnavailable } from "../../../common/rego/mod.ts";

/** Most connections to the server at once; further questions wait for one within their time. */
const MAX_CONNECTIONS = 64;
/** Largest answer that is read, unless more is asked for. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** A request to the server. */
export interface OpaRequest {
  readonly method: "GET" | "POST" | "PUT";
  /** Path below the base, without a leading slash. */
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly maxAnswerBytes?: number;
}

/** Talks to the OPA server at one address. */
export class OpaClient {
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #base: URL;

  constructor(base: URL) {
    this.#base = base;
    const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: 16 };
    this.#agent = base.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * The JSON of an answer; undefined for one without a body.
   *
   * @throws {EngineUnavailable} without an answer in time, or for one that is none.
   */
  async ask(request: OpaRequest): Promise<unknown> {
    const text = await this.#exchange(request);
    if (text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw new EngineUnavailable(`malformed answer to ${request.path}: not JSON`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** One retry: the server may have closed a kept connection as the question was on its way. */
  async #exchange(request: OpaRequest): Promise<string> {
    try {
      return await this.#send(request);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await this.#send(request);
    }
  }

  #send({ method, path, body, timeoutMs, maxAnswerBytes }: OpaRequest): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const url = new URL(path, this.#base);
    const payload = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body));
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method,
      agent: this.#agent,
      headers: payload === undefined ? { accept: "application/json" } : {
        accept: "application/json",
        "content-type": "application/json",
        "content-length": payload.byteLength,
      },
    });
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
      outgoing.destroy();
    };
    const timer = setTimeout(
      () => fail(new EngineUnavailable(`no answer to ${path} in ${timeoutMs} ms`, "timeout")),
      timeoutMs,
    );
    outgoing.on("error", (error: Error & { code?: string }) => {
      const isStale = outgoing.reusedSocket &&
        (error.code === "ECONNRESET" || error.code === "EPIPE");
      fail(isStale ? new StaleConnection() : new EngineUnavailable(`${path}: ${error.message}`));
    });
    outgoing.on("response", (answer) => {
      readAnswer(answer, path, maxAnswerBytes ?? MAX_ANSWER_BYTES).then((text) => {
        clearTimeout(timer);
        resolve(text);
      }, fail);
    });
    outgoing.end(payload);
    return promise;
  }
}

/** A kept connection was closed before it carried the answer. */
class StaleConnection extends EngineUnavailable {
  constructor() {
    super("the server closed the connection");
  }
}

async function readAnswer(
  answer: IncomingMessage,
  path: string,
  maxBytes: number,
): Promise<string> {
  const { statusCode } = answer;
  const isGood = statusCode === 200 || statusCode === 204;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    if (!(chunk instanceof Uint8Array)) continue;
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new EngineUnavailable(`the answer to ${path} has more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (!isGood) throw new EngineUnavailable(`status ${statusCode} to ${path}`);
  const all = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return new TextDecoder().decode(all);
}
