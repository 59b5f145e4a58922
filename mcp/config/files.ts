import { ConfigError } from "../../common/config/mod.ts";
import type { Settings } from "./settings.ts";

/** Trust anchor of a node or management host, used when it exists (mcp.md section 2). */
const DEFAULT_CA_FILE = "/etc/pact/ca.crt";

const maxPemBytes = 1024 * 1024;
const maxTokenBytes = 16 * 1024;

/**
 * The CA to trust as PEM; undefined where none is configured and the default file does not exist.
 *
 * @throws {ConfigError} when a configured file cannot be read.
 */
export async function readCa({ caFile, caPem }: Settings): Promise<string | undefined> {
  if (caPem !== undefined) return caPem;
  const path = caFile ?? DEFAULT_CA_FILE;
  try {
    const { size } = await Deno.stat(path);
    if (size > maxPemBytes) throw new Error(`larger than ${maxPemBytes} bytes`);
    return await Deno.readTextFile(path);
  } catch (error) {
    // Without leave to read the default place there is no CA there for this process.
    if (caFile === undefined && isAbsent(error)) return undefined;
    const way = "or give the certificate itself in PACT_CA_PEM";
    throw new ConfigError(`PACT_CA_FILE: cannot read ${path}: ${reasonOf(error)}; ${way}`);
  }
}

/**
 * The bearer token: the variable, else the file, which must be closed to everyone but its owner.
 * Undefined when neither is set.
 *
 * @throws {ConfigError} when the file cannot be used.
 */
export async function readToken({ token, tokenFile }: Settings): Promise<string | undefined> {
  if (token !== undefined) return requireToken(token.trim(), "PACT_MCP_TOKEN");
  if (tokenFile === undefined) return undefined;
  const place = `PACT_MCP_TOKEN_FILE ${tokenFile}`;
  let text: string;
  try {
    // lstat, so that a link to somebody else's file is refused rather than followed.
    const { isFile, mode, size } = await Deno.lstat(tokenFile);
    if (!isFile) throw new Error("not a regular file");
    if (((mode ?? 0) & 0o077) !== 0) throw new Error("open to others; chmod it to 0600");
    if (size > maxTokenBytes) throw new Error("too large to be a token");
    text = await Deno.readTextFile(tokenFile);
  } catch (error) {
    throw new ConfigError(`${place}: ${reasonOf(error)}; or give the token in PACT_MCP_TOKEN`);
  }
  return requireToken(text.trim(), place);
}

function requireToken(text: string, place: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new ConfigError(`${place}: does not hold a token`);
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable;
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "this program may read files under /etc/pact only";
  }
  return error instanceof Error ? error.message.replace(/\s*\(os error.*$/s, "") : String(error);
}
