/** A `deno` command that failed; the message holds what it said. */
export class DenoFailure extends Error {
  override readonly name = "DenoFailure";

  constructor(args: readonly string[], readonly stderr: string) {
    super(`deno ${args[0]} failed:\n${stderr}`);
  }
}

/**
 * Runs a subcommand of the runtime that runs this, and returns what it prints.
 *
 * @throws {DenoFailure}
 */
export async function deno(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new DenoFailure(args, decoder.decode(stderr));
  return decoder.decode(stdout);
}
