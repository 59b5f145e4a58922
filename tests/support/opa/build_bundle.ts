import { peerProgram } from "../peers.ts";

/**
 * Compiles policies to a bundle for the embedded engine, as a site does it.
 *
 * @throws Error with what opa said.
 */
export async function buildBundle(
  target: string,
  sources: readonly string[],
  entrypoints: readonly string[] = ["pact/authz", "pact/vcluster"],
): Promise<void> {
  await runOpa([
    "build",
    "--target=wasm",
    ...entrypoints.map((name) => `--entrypoint=${name}`),
    "--ignore=*_test.rego",
    `--output=${target}`,
    ...sources,
  ]);
}

/**
 * Runs the pinned opa, and gives what it printed.
 *
 * @throws Error with what it said when it fails.
 */
export async function runOpa(args: readonly string[], cwd?: string): Promise<string> {
  const program = await peerProgram("opa");
  if (program === undefined) throw new Error("no opa: deno task peers opa builds it");
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  const decoder = new TextDecoder();
  const printed = decoder.decode(stdout);
  if (!success) throw new Error(`opa ${args[0]} failed: ${printed}${decoder.decode(stderr)}`);
  return printed;
}
