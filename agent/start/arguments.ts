/** What the core needs of the command line before the worker reads the rest. */
export interface CoreArguments {
  readonly help: boolean;
  readonly version: boolean;
  readonly variant: boolean;
  readonly checkConfig: boolean;
  readonly configPath: string | undefined;
  readonly isRootless: boolean;
  /** As asked for; decided by the surroundings unless given. */
  readonly profile: string | undefined;
  /** Prefix of every path: development. */
  readonly root: string | undefined;
  /** A library of one's own: development. */
  readonly shimPath: string | undefined;
  /** Everything for the worker. */
  readonly rest: readonly string[];
}

/** Options with a value that concern the core alone. */
const CORE_OPTIONS = ["--shim"];

/** Splits the command line into the core's part and the worker's. */
export function coreArguments(
  args: readonly string[],
  env: (name: string) => string | undefined,
): CoreArguments {
  const rest: string[] = [];
  let shimPath: string | undefined;
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? "";
    if (CORE_OPTIONS.includes(word)) shimPath = args[++index];
    else if (word.startsWith("--shim=")) shimPath = word.slice("--shim=".length);
    else rest.push(word);
  }
  const flags = ["--help", "--version", "--variant", "--check-config"];
  return {
    help: rest.includes("--help"),
    version: rest.includes("--version"),
    variant: rest.includes("--variant"),
    checkConfig: rest.includes("--check-config"),
    configPath: optionValue(rest, "--config") ?? env("PACT_AGENT_CONFIG"),
    isRootless: optionValue(rest, "--profile") === "rootless",
    profile: optionValue(rest, "--profile"),
    root: optionValue(rest, "--root"),
    shimPath,
    rest: rest.filter((word) => !flags.includes(word)),
  };
}

function optionValue(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name);
  if (at >= 0) return args[at + 1];
  return args.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** What `pact-agent --help` prints. */
export const USAGE = `pact-agent: keeps a node at what is declared for it

Usage:
  pact-agent [OPTIONS]            run
  pact-agent --check-config       read the configuration, report, exit 0 or 1
  pact-agent --variant            print the configured backend, pact or systemd
  pact-agent --version | --help

Options (each also in the environment or the file, in this order of precedence):
  --config FILE      PACT_AGENT_CONFIG     default /etc/pact/agent.toml
  --node-id ID       PACT_AGENT_NODE_ID    agent.node_id, else the host name
  --vcluster V       PACT_AGENT_VCLUSTER   agent.vcluster
  --journal LIST     PACT_AGENT_JOURNAL    agent.journal.endpoints
  --profile rootless                       development: without any privilege
  --root DIR                               development: prefix of every path
  --shim FILE                              development: a shim library of one's own
`;
