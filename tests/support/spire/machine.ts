/** The SPIRE agent of one machine. It owns a directory and a process, and ends with its scope. */
import { peerProgram } from "../peers.ts";
import { SpireProgram } from "./program.ts";
import type { SpireServer } from "./server.ts";

/** Which machine, and where its agent listens. */
export interface SpireMachineOptions {
  readonly server: SpireServer;
  readonly name: string;
  /** A directory of its own, which is there. */
  readonly directory: string;
  /** Where processes ask for their identities; its directory is made. */
  readonly socketPath: string;
}

/** See {@link openSpireMachine}. */
export class SpireMachine implements AsyncDisposable {
  #program: SpireProgram | undefined;

  constructor(private readonly executable: string, readonly options: SpireMachineOptions) {}

  get socketPath(): string {
    return this.options.socketPath;
  }

  get log(): string {
    return this.#program?.output ?? "";
  }

  /** Starts the agent, the first time or after `stop`, and waits until it answers. */
  async start(): Promise<void> {
    const { server, name, directory, socketPath } = this.options;
    const token = await server.joinToken(name);
    await Deno.mkdir(socketPath.slice(0, socketPath.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(`${directory}/bundle.pem`, await server.bundlePem());
    const config = `${directory}/agent.conf`;
    await Deno.writeTextFile(config, agentConfig(this.options, token));
    const program = new SpireProgram(this.executable, ["run", "-config", config], directory);
    this.#program = program;
    await program.until(`the SPIRE agent of ${name}`, async () => {
      const { success } = await new Deno.Command(this.executable, {
        args: ["healthcheck", "-socketPath", socketPath],
        stdout: "null",
        stderr: "null",
      }).output();
      return success;
    });
  }

  signal(signal: Deno.Signal): void {
    this.#program?.signal(signal);
  }

  /** Ends the agent, by default as a crash does; what it knew of itself is lost. */
  async stop(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    await program?.stop(signal);
    const { directory } = this.options;
    for (const name of ["agent-data.json", "keys.json"]) {
      await Deno.remove(`${directory}/${name}`).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGTERM");
  }
}

/** The agent of a machine, running. */
export async function openSpireMachine(options: SpireMachineOptions): Promise<SpireMachine> {
  const executable = await peerProgram("spire", "spire-agent");
  if (executable === undefined) throw new Error("deno task peers spire builds it");
  const machine = new SpireMachine(executable, options);
  try {
    await machine.start();
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

function agentConfig(
  { server, directory, socketPath }: SpireMachineOptions,
  token: string,
): string {
  return `
agent {
  data_dir = "${directory}"
  server_address = "127.0.0.1"
  server_port = "${server.port}"
  socket_path = "${socketPath}"
  trust_bundle_path = "${directory}/bundle.pem"
  trust_domain = "${server.trustDomain}"
  join_token = "${token}"
  log_level = "WARN"
  experimental { sync_interval = "1s" }
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
  WorkloadAttestor "unix" { plugin_data {} }
}
`;
}
