/**
 * A client of a real pact-mcp process: lines in, lines out. It owns the process and kills it at the
 * end of its scope.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { repositoryRoot, waitFor, within } from "../../support/mod.ts";
import { neutralEnvironment } from "../../support/site/mod.ts";

const ReplySchema = z.looseObject({ jsonrpc: z.literal("2.0"), id: z.unknown() });

/** What the server sent. */
export type Reply = z.infer<typeof ReplySchema>;

const CallResultSchema = z.object({
  result: z.object({
    content: z.tuple([z.object({ type: z.literal("text"), text: z.string() })]),
    isError: z.boolean(),
    structuredContent: z.record(z.string(), z.unknown()).optional(),
  }),
});

/** Outcome of a tool. */
export interface ToolOutcome {
  readonly text: string;
  readonly isError: boolean;
  readonly structured: Record<string, unknown> | undefined;
}

/** How the process ended. */
export interface McpEnd {
  readonly code: number;
  readonly stderr: string;
}

/** See the head of this file. */
export class McpClient implements AsyncDisposable {
  /** Every line on standard output so far. */
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #ended: Promise<McpEnd>;
  #stderr = "";
  #alive = true;
  #lastId = 0;

  /** Starts the program under its own permission set, as it is shipped. */
  constructor(env: Readonly<Record<string, string>>) {
    const args = ["run", "-P=mcp", "--no-prompt", `--config=${repositoryRoot}deno.json`];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...args, `${repositoryRoot}mcp/main.ts`],
      env: { ...neutralEnvironment(), ...env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#ended = this.#follow();
  }

  /** What it wrote to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Sends one line as it is. */
  async sendLine(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Sends a request and waits for its answer. */
  async request(method: string, params?: unknown): Promise<Reply> {
    const id = ++this.#lastId;
    await this.sendLine(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return await this.replyTo(id);
  }

  /** The answer with an id, once it has come. */
  async replyTo(id: unknown): Promise<Reply> {
    return await waitFor(
      () => this.replies().find((reply) => reply.id === id) ?? this.#requireAlive(),
      { timeoutMs: 15_000, what: `the answer to ${JSON.stringify(id)}` },
    );
  }

  /** Every answer so far; a line that is none fails, for nothing else may be there (MCP-2). */
  replies(): Reply[] {
    return this.lines.map((line) => ReplySchema.parse(JSON.parse(line)));
  }

  /** Shakes hands in a version of the protocol. */
  async initialize(protocolVersion = "2025-06-18"): Promise<Reply> {
    const clientInfo = { name: "test", version: "1" };
    const reply = await this.request("initialize", {
      protocolVersion,
      capabilities: {},
      clientInfo,
    });
    await this.sendLine('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return reply;
  }

  /** Calls a tool. */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<ToolOutcome> {
    const reply = await this.request("tools/call", { name, arguments: args });
    const { result: { content: [{ text }], isError, structuredContent } } = CallResultSchema.parse(
      reply,
    );
    return { text, isError, structured: structuredContent };
  }

  /** Closes standard input and waits for the end. */
  async end(): Promise<McpEnd> {
    await this.#input.close();
    return await this.ended();
  }

  /** Waits for the end of the process. */
  async ended(): Promise<McpEnd> {
    return await within(this.#ended, { timeoutMs: 10_000, what: "the end of pact-mcp" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#alive) this.#child.kill("SIGKILL");
    await this.#ended;
    await this.#input.close().catch(() => {});
  }

  #requireAlive(): undefined {
    assert.ok(this.#alive, `pact-mcp ended: ${this.#stderr}`);
    return undefined;
  }

  async #follow(): Promise<McpEnd> {
    const stdout = (async () => {
      let rest = "";
      for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        this.lines.push(...lines);
      }
      assert.equal(rest, "", "an unfinished line on standard output");
    })();
    const stderr = (async () => {
      for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
        this.#stderr += text;
      }
    })();
    const [{ code }] = await Promise.all([this.#child.status, stdout, stderr]);
    this.#alive = false;
    return { code, stderr: this.#stderr };
  }
}
