import { MAX_TOML_CHARS } from "../../common/config/mod.ts";
import { reasonOf } from "../config/mod.ts";
import { usageFailure } from "../failure/mod.ts";
import { type Host, readBounded } from "../host/mod.ts";
import { type Acknowledgement, readAcknowledgements } from "./acknowledgement.ts";
import type { ReadContent } from "./parse.ts";

/** The text of a spec with its name and the way to the files it names. */
export interface SpecSource {
  readonly text: string;
  /** For error positions. */
  readonly name: string;
  readonly readContent: ReadContent;
  /** Decisions about node deltas that a promotion wrote into it (CLI-82). */
  readonly acknowledgements: readonly Acknowledgement[];
}

/**
 * Reads a spec from a file, or from standard input for `-`. Files it names are looked up beside it.
 *
 * @throws {Failure} exit 1 when it cannot be read, is no UTF-8 text, or is too large.
 */
export async function readSpecText(host: Host, file: string): Promise<SpecSource> {
  const name = file === "-" ? "standard input" : file;
  const slash = file.lastIndexOf("/");
  const directory = slash < 0 || file === "-" ? "." : file.slice(0, slash + 1) || "/";
  let text: string;
  try {
    const bytes = file === "-"
      ? await host.stdin.readAll(MAX_TOML_CHARS)
      : await readFile(file, MAX_TOML_CHARS);
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw usageFailure(`cannot read ${name}: ${reasonOf(error)}`);
  }
  return {
    text,
    name,
    readContent: (path, maxBytes) =>
      readFile(path.startsWith("/") ? path : `${directory}/${path}`, maxBytes),
    acknowledgements: readAcknowledgements(text, name),
  };
}

async function readFile(path: string, maxBytes: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  return await readBounded(file, maxBytes);
}
