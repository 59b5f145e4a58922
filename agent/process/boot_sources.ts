import { environmentOf, variableFrom } from "../boot/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import { isShimError, type Shim } from "../../ffi/mod.ts";
import type { CoreArguments } from "../start/mod.ts";

const MAX_BYTES = 64 * 1024;

/** What an agent is told by whoever starts it. */
interface Told {
  readonly args: CoreArguments;
  readonly env: (name: string) => string | undefined;
}

/**
 * What nobody can tell an agent that PID 1 has started: the variables of its environment file, which
 * units of other init systems read for it (PATH-18), then the kernel's command line (AGT-1).
 */
export function withBootSources<Options extends Told>(
  options: Options,
  words: readonly string[],
  { files }: Pick<Shim, "files">,
): Options {
  const { args } = options;
  const variables = environmentOf(readIfThere(files, nodePaths(args.root).agentEnvironment));
  const env = (name: string) =>
    options.env(name) ?? (variables.get(name) || variableFrom(words, name));
  const configPath = args.configPath ?? env("PACT_AGENT_CONFIG");
  return { ...options, args: { ...args, configPath }, env };
}

function readIfThere(files: Shim["files"], path: string): string {
  try {
    return files.readText(path, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (isShimError(error)) return "";
    throw error;
  }
}
