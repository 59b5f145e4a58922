/**
 * Fetches one JSON document at a time. It owns the certificates it trusts beside the runtime's own,
 * and ends with `close`.
 */

import { systemClock } from "../clock/mod.ts";
import { isSafeUrl } from "./safe_url.ts";

/** How documents are fetched. */
export interface DocumentFetchOptions {
  /** From the request to the last byte, in milliseconds. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Takes plain http from other machines too. */
  readonly allowInsecure?: boolean;
  /** Certificates to trust beside the runtime's own, PEM. */
  readonly caPem?: string | undefined;
}

/** A document that could not be had. */
export class FetchError extends Error {
  override readonly name = "FetchError";

  constructor(
    message: string,
    /** What the server answered, where it did. */
    readonly status?: number,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }

  /** Whether the server knows of no such document. */
  get isAbsent(): boolean {
    return this.status === 404 || this.status === 410;
  }
}

/** Fetches documents. */
export interface DocumentFetch extends Disposable {
  /**
   * The JSON value at `url`. Redirects are not followed.
   *
   * @throws {FetchError} naming the address and what was wrong with it or its answer.
   */
  json(url: string, signal?: AbortSignal): Promise<unknown>;
  close(): void;
}

/** Fetches with these bounds until closed. */
export function documentFetch(options: DocumentFetchOptions): DocumentFetch {
  const client = options.caPem === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [options.caPem] });
  const ended = new AbortController();
  const close = () => {
    if (ended.signal.aborted) return;
    ended.abort();
    client?.close();
  };
  return {
    json: (url, signal) =>
      fetchJson(
        url,
        options,
        client,
        AbortSignal.any(signal ? [ended.signal, signal] : [ended.signal]),
      ),
    close,
    [Symbol.dispose]: close,
  };
}

async function fetchJson(
  text: string,
  options: DocumentFetchOptions,
  client: Deno.HttpClient | undefined,
  ended: AbortSignal,
): Promise<unknown> {
  const url = requireSafe(text, options.allowInsecure === true);
  const late = new AbortController();
  const timer = systemClock.setTimer(options.timeoutMs, () => late.abort());
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.any([late.signal, ended]),
      ...(client === undefined ? {} : { client }),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new FetchError(`${url}: answered ${response.status}`, response.status);
    }
    return parse(url, await readBounded(url, response, options.maxBytes));
  } catch (error) {
    if (error instanceof FetchError) throw error;
    if (late.signal.aborted) {
      throw new FetchError(`${url}: no answer in ${options.timeoutMs / 1000} s`, undefined, error);
    }
    throw new FetchError(`${url}: cannot be reached: ${reasonOf(error)}`, undefined, error);
  } finally {
    systemClock.clearTimer(timer);
  }
}

function requireSafe(text: string, allowInsecure: boolean): URL {
  if (!URL.canParse(text)) throw new FetchError(`'${text}' is not a URL`);
  const url = new URL(text);
  if (isSafeUrl(url, allowInsecure)) return url;
  throw new FetchError(`${url}: refused, it is not https`);
}

async function readBounded(url: URL, response: Response, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new FetchError(`${url}: larger than ${maxBytes} bytes`);
  const stated = Number(response.headers.get("content-length") ?? "0");
  if (stated > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.length;
    if (total > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(total);
  chunks.reduce((offset, chunk) => {
    bytes.set(chunk, offset);
    return offset + chunk.length;
  }, 0);
  return bytes;
}

function parse(url: URL, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new FetchError(`${url}: not a JSON document`, undefined, error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
