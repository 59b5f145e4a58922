/**
 * A real OPA server on loopback with policies of its own. It owns its process and its folder of
 * policies, and ends with its scope.
 */
import { freePort } from "../free_port.ts";
import { peerProgram } from "../peers.ts";
import { type TempDir, tempDir } from "../temp_dir.ts";
import { waitFor } from "../wait_for.ts";

const START_LIMIT_MS = 20_000;

/** What a server is started with. */
export interface OpaServerOptions {
  /** Folders and files of Rego and data that it loads. */
  readonly load?: readonly string[];
  /** Further modules, by file name. */
  readonly modules?: Readonly<Record<string, string>>;
}

/** Starts a server and waits until it answers. */
export async function startOpa(options: OpaServerOptions = {}): Promise<OpaServer> {
  const server = new OpaServer(await tempDir("pact-opa-"), options);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** See {@link startOpa}. */
export class OpaServer implements AsyncDisposable {
  readonly port = freePort();
  #child: Deno.ChildProcess | undefined;

  constructor(
    private readonly directory: TempDir,
    private readonly options: OpaServerOptions,
  ) {}

  /** Its address. */
  get base(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** As `policy.engine.opa_endpoint` names it. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}/v1/data/pact`;
  }

  /** Starts it, again after `stop`; what it was told meanwhile is lost, as OPA keeps nothing. */
  async start(): Promise<void> {
    const program = await peerProgram("opa");
    if (program === undefined) throw new Error("no opa: deno task peers opa builds it");
    const folder = this.directory.path;
    for (const [name, text] of Object.entries(this.options.modules ?? {})) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    this.#child = new Deno.Command(program, {
      args: [
        "run",
        "--server",
        "--addr",
        `127.0.0.1:${this.port}`,
        "--log-level=error",
        "--skip-version-check",
        folder,
        ...this.options.load ?? [],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await waitFor(async () => {
      const answer = await fetch(`http://127.0.0.1:${this.port}/health`);
      await answer.body?.cancel();
      return answer.ok;
    }, { timeoutMs: START_LIMIT_MS, what: "OPA to answer" });
  }

  /** Takes a module in, or another version of it. */
  async putModule(name: string, text: string): Promise<void> {
    const url = `http://127.0.0.1:${this.port}/v1/policies/${name}`;
    const answer = await fetch(url, { method: "PUT", body: text });
    const said = await answer.text();
    if (!answer.ok) throw new Error(said);
  }

  /** A document as it stands. */
  async data(path: string): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/v1/data/${path}`);
    const document: { result?: unknown } = await answer.json();
    return document.result;
  }

  /** Stops answering without closing its port. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}
