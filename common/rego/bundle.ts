import { z } from "zod";
import { BackupError, readTar } from "../backup/mod.ts";

/** Largest compiled policy that is loaded. */
const MAX_WASM_BYTES = 32 * 1024 * 1024;
/** Largest data document beside it. */
const MAX_DATA_BYTES = 16 * 1024 * 1024;

const DataSchema = z.record(z.string(), z.json());

/** Rego compiled to WebAssembly, and the data that came with it. */
export interface PolicyBundle {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly data: z.infer<typeof DataSchema>;
}

/** A bundle cannot be used; the message says why and what to do. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

/**
 * Reads what `opa build -t wasm` has made.
 *
 * @throws {BundleError} naming the file, when it is not such a bundle.
 */
export async function readBundle(path: string): Promise<PolicyBundle> {
  try {
    using file = await Deno.open(path);
    return await readBundleFrom(file.readable);
  } catch (error) {
    if (error instanceof BundleError) throw new BundleError(`${path}: ${error.message}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new BundleError(`${path} is not a bundle of \`opa build -t wasm\`: ${reason}`);
  }
}

/**
 * Reads such a bundle from a stream.
 *
 * @throws {BundleError} when it is none, or too large.
 */
export async function readBundleFrom(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<PolicyBundle> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  let data: PolicyBundle["data"] = {};
  const archive = stream.pipeThrough(new DecompressionStream("gzip"));
  try {
    for await (const { name, sizeBytes, content } of readTar(archive)) {
      const path = name.replace(/^\//, "");
      if (path === "policy.wasm") wasm = await collect(content, sizeBytes, MAX_WASM_BYTES, path);
      else if (path === "data.json") {
        const text = new TextDecoder().decode(
          await collect(content, sizeBytes, MAX_DATA_BYTES, path),
        );
        data = DataSchema.parse(JSON.parse(text));
      } else await skip(content);
    }
  } catch (error) {
    if (error instanceof BackupError) throw new BundleError(error.message);
    throw error;
  }
  if (wasm === undefined) {
    throw new BundleError("it holds no policy.wasm: build it with `opa build -t wasm`");
  }
  return { wasm, data };
}

async function collect(
  content: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  maxBytes: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (sizeBytes > maxBytes) {
    throw new BundleError(`${name} has ${sizeBytes} bytes, more than ${maxBytes}`);
  }
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  for await (const chunk of content) {
    bytes.set(chunk, filled);
    filled += chunk.byteLength;
  }
  return bytes;
}

async function skip(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content) {
    // The sources of the rules travel with the bundle; only what was compiled is used.
  }
}
