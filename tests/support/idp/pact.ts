import type { SpawnedDeno } from "../spawn_deno.ts";
import { repositoryRoot, spawnDeno } from "../spawn_deno.ts";
import { type TempDir, tempDir } from "../temp_dir.ts";

/** A person at a workstation: a configuration directory, and what the environment says. */
export interface Workstation extends AsyncDisposable {
  /** `$XDG_CONFIG_HOME/pact`. */
  readonly directory: string;
  /** The login cache. */
  readonly cachePath: string;
  /** Starts `pact` as people do: its own process with its own permission set. */
  pact(args: readonly string[], more?: PactOptions): SpawnedDeno;
}

/** How one `pact` is started. */
export interface PactOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed. */
  readonly stdin?: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Runs it at a terminal, whose output is all on standard output. */
  readonly isTerminal?: boolean;
  /** Starts it without the permission to write to its configuration. */
  readonly isReadOnly?: boolean;
}

/** Runs its arguments at a terminal of their own. */
const AT_TERMINAL = `exec script -qec "$(printf "'%s' " "$@")" /dev/null`;

/** Makes one for the journal at `server`, whose CA is in `caFile`. */
export async function openWorkstation(server: string, caFile: string): Promise<Workstation> {
  const home: TempDir = await tempDir("pact-home-");
  const directory = home.file("pact");
  return {
    directory,
    cachePath: `${directory}/tokens.json`,
    pact: (args, { env = {}, stdin, isTerminal = false, isReadOnly = false } = {}) =>
      spawnDeno({
        module: `${repositoryRoot}cli/main.ts`,
        flags: ["--quiet", "-P=cli", ...(isReadOnly ? [] : [`--allow-write=${directory}`])],
        args,
        env: {
          XDG_CONFIG_HOME: home.path,
          PACT_ENDPOINT: server,
          PACT_CA_FILE: caFile,
          PACT_TOKEN: "",
          DISPLAY: "",
          WAYLAND_DISPLAY: "",
          ...env,
        },
        ...(stdin === undefined ? {} : { stdin }),
        ...(isTerminal ? { through: ["sh", "-c", AT_TERMINAL, "sh"] } : {}),
      }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}
