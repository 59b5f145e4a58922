import { configDirectory, reasonOf, type Settings } from "../config/mod.ts";
import { codedFailure, EXIT, Failure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import { readClaims, type TokenClaims } from "../tokens/mod.ts";

/** Largest token, in bytes (AUT-2). */
const MAX_TOKEN_BYTES = 16 * 1024;

/** The token to send, what it says, and where it is from. */
export interface SelectedToken {
  readonly token: string;
  readonly claims: TokenClaims | undefined;
  /** The login it belongs to; undefined for one that was given. */
  readonly login?: { readonly server: string; readonly expiresAtMs: number | undefined };
}

/**
 * The token that was given: by option, variable or file key, else in the token file (CLI-20). The
 * file must belong to the caller and be closed to everyone else (CLI-22). `--server` asks for a login
 * and passes these by.
 *
 * @throws {Failure} exit 2 when it has expired, or its file is open to others.
 */
export async function givenToken(
  host: Host,
  settings: Settings,
): Promise<SelectedToken | undefined> {
  if (settings.server !== undefined) return undefined;
  const path = tokenPath(host, settings);
  const token = settings.token ?? (path && await readTokenFile(path, host, settings));
  if (token === undefined) return undefined;
  const claims = readClaims(token);
  if (claims?.expiresAtMs !== undefined && claims.expiresAtMs <= host.clock.nowMs()) {
    throw codedFailure(
      "UNAUTHENTICATED",
      "token expired",
      `it was valid until ${new Date(claims.expiresAtMs).toISOString()}`,
    );
  }
  return { token, claims };
}

/** Nobody gave a token, and nobody logged in. */
export function noToken(host: Host, settings: Settings): Failure {
  return codedFailure(
    "UNAUTHENTICATED",
    "not authenticated. Run `pact login` first.",
    settings.server === undefined
      ? `or set PACT_TOKEN, or put a token into ${
        tokenPath(host, settings) ?? "the token file"
      } (mode 0600)`
      : `nobody is logged in to ${settings.server}`,
  );
}

function tokenPath(host: Host, settings: Settings): string | undefined {
  const directory = configDirectory(host);
  return settings.tokenPath ?? (directory && `${directory}/token`);
}

async function readTokenFile(
  path: string,
  host: Host,
  settings: Settings,
): Promise<string | undefined> {
  const info = await fileInfo(path, settings.tokenPath !== undefined);
  if (info === undefined) return undefined;
  const refuse = (reason: string) =>
    new Failure("UNAUTHENTICATED", `token file ${path} ${reason}`, EXIT.refused, [
      `fix it with: chmod 600 ${path}`,
    ]);
  if (!info.isFile) throw refuse("is not a regular file");
  const mode = (info.mode ?? 0) & 0o777;
  if (mode !== 0o600 && mode !== 0o400) {
    throw refuse(`has mode 0${mode.toString(8)}, must be 0600 or 0400`);
  }
  const userId = host.userId();
  if (userId !== undefined && info.uid !== null && info.uid !== userId) {
    throw refuse("belongs to another user");
  }
  if (info.size > MAX_TOKEN_BYTES) throw refuse("is too large to be a token");
  const token = (await Deno.readTextFile(path)).trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw refuse("does not hold a token");
  return token;
}

async function fileInfo(path: string, required: boolean): Promise<Deno.FileInfo | undefined> {
  try {
    // lstat, so that a link to somebody else's file is refused rather than followed.
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !required) return undefined;
    throw new Failure(
      "UNAUTHENTICATED",
      `token file ${path} cannot be read: ${reasonOf(error)}`,
      EXIT.refused,
      [],
      error,
    );
  }
}
