/** How a program is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Longest it may take. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** How much of what a failed program said is repeated. */
const TAIL_CHARS = 3_000;

/**
 * Runs a program to its end and returns its standard output.
 *
 * @throws {Error} with the end of what it said, when it fails or takes too long.
 */
export async function run(
  program: string,
  args: readonly string[],
  { env = {}, cwd, timeoutMs = DEFAULT_TIMEOUT_MS }: RunOptions = {},
): Promise<Uint8Array> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { LC_ALL: "C.UTF-8", ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "null",
    signal: AbortSignal.timeout(timeoutMs),
  }).output();
  if (success) return stdout;
  const said = new TextDecoder().decode(stderr).trim().slice(-TAIL_CHARS);
  throw new Error(`${program} ended with status ${code}:\n${said}`);
}
