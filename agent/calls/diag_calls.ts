import { shell } from "../../api/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import type { ExecRights } from "../exec/mod.ts";
import { grantCall } from "./access.ts";
import type { CallContext, CallHandler } from "./call_server.ts";
import { streamingCall } from "./handler.ts";
import type { CallNode } from "./node.ts";

const { method } = shell.ShellService;

const DEFAULT_LINES = 100;
const MAX_LINES = 10_000;
const MAX_PATTERN_CHARS = 255;
/** Longest a source may take (DIA-7). */
const SOURCE_LIMIT_MS = 5_000;
const MAX_SOURCE_BYTES = 10 * 1024 * 1024;
const SYSTEM_LOGS = ["/var/log/syslog", "/var/log/messages"];

/** Log lines of the system and of services (node-ops.md 9). */
export function diagCalls(node: CallNode): Record<string, CallHandler> {
  return {
    [method.collectDiag.name]: streamingCall(
      method.collectDiag,
      (request, call) => collect(node, request, call),
    ),
  };
}

async function* collect(node: CallNode, request: shell.DiagRequest, call: CallContext) {
  grantCall(node.standing(), call.caller, "diag");
  const limit = lineLimit(request);
  checkNames(request);
  const filter = request.sourceFilter === "" ? "all" : request.sourceFilter;
  if (request.serviceName !== "") {
    yield* serviceSource(node, request.serviceName, request.grepPattern, limit, call);
    return;
  }
  if (filter === "all" || filter === "system" || filter === "dmesg") {
    yield await programSource(node, "dmesg", { command: "dmesg", args: [] }, "", limit, call);
  }
  if (filter === "all" || filter === "system" || filter === "syslog") {
    yield await fileSource(node, "syslog", systemLogs(node), request.grepPattern, limit, call);
  }
  if (filter === "all" || filter === "service") {
    for (const { name } of node.supervisor.status().services) {
      yield* serviceSource(node, name, request.grepPattern, limit, call);
    }
  }
}

function lineLimit({ lineLimit }: shell.DiagRequest): number {
  if (lineLimit > MAX_LINES) {
    throw new RefusedError("INVALID_ARGUMENT", `line_limit must be <= ${MAX_LINES}`);
  }
  return lineLimit === 0 ? DEFAULT_LINES : lineLimit;
}

function checkNames({ serviceName, grepPattern, sourceFilter }: shell.DiagRequest): void {
  if (/[/\0]|\.\./.test(serviceName)) {
    throw new RefusedError("INVALID_ARGUMENT", "invalid service name");
  }
  if (grepPattern.length > MAX_PATTERN_CHARS || /[\0\n]/.test(grepPattern)) {
    throw new RefusedError("INVALID_ARGUMENT", "invalid grep pattern");
  }
  if (!["", "all", "system", "service", "dmesg", "syslog"].includes(sourceFilter)) {
    throw new RefusedError("INVALID_ARGUMENT", `unknown source '${sourceFilter}'`);
  }
}

async function* serviceSource(
  node: CallNode,
  name: string,
  pattern: string,
  limit: number,
  call: CallContext,
) {
  const source = `service:${name}`;
  if (!node.supervisor.status().services.some((service) => service.name === name)) {
    yield { source, lines: [`service '${name}' not found in supervisor`], truncated: false };
    return;
  }
  const current = `${node.logsDirectory}/${name}.log`;
  yield await fileSource(node, source, [`${current}.1`, current], pattern, limit, call);
}

/** The last lines of files that match: filtered first, then cut (DIA-3). */
function fileSource(
  node: CallNode,
  source: string,
  paths: readonly string[],
  pattern: string,
  limit: number,
  call: CallContext,
) {
  // grep matches in time linear to its input, which the runtime's own expressions do not (DIA-4).
  const args = ["-h", "-s", "-a", "-E", "-e", pattern, "--", ...paths];
  return programSource(node, source, { command: "grep", args }, pattern, limit, call);
}

async function programSource(
  node: CallNode,
  source: string,
  command: { readonly command: string; readonly args: readonly string[] },
  pattern: string,
  limit: number,
  call: CallContext,
) {
  const preparation = node.executor.prepare(command, DIAG_RIGHTS);
  if (preparation.kind === "refused") return { source, lines: [], truncated: false };
  const run = node.executor.run(preparation.plan, node.newId(), {
    signal: call.signal,
    timeoutMs: SOURCE_LIMIT_MS,
    maxOutputBytes: MAX_SOURCE_BYTES,
  });
  const tail = new LineTail(limit);
  let isCut = false;
  for await (const event of run.events) {
    if (event.kind === "stdout") tail.add(event.bytes);
    if (event.kind === "error") isCut = true;
    if (event.kind === "exit" && event.code === 2 && pattern !== "" && tail.isEmpty) {
      throw new RefusedError("INVALID_ARGUMENT", "invalid grep pattern");
    }
  }
  return { source, lines: tail.lines(), truncated: isCut || tail.isCut };
}

/** What the agent itself may run to collect logs. */
const DIAG_RIGHTS: ExecRights = {
  whitelist: new Set(["grep", "dmesg"]),
  bypassesWhitelist: false,
  readOnlyOnly: true,
  isPlatformAdmin: false,
};

function systemLogs({ root }: CallNode): readonly string[] {
  return SYSTEM_LOGS.map((path) => `${root}${path}`);
}

/** Keeps the last lines of a byte stream. */
class LineTail {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #kept: string[] = [];
  isCut = false;

  constructor(private readonly limit: number) {}

  get isEmpty(): boolean {
    return this.#kept.length === 0 && this.#rest === "";
  }

  add(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    this.#kept.push(...lines);
    if (this.#kept.length > this.limit) {
      this.isCut = true;
      this.#kept = this.#kept.slice(-this.limit);
    }
  }

  lines(): string[] {
    return this.#rest === "" ? this.#kept : [...this.#kept, this.#rest].slice(-this.limit);
  }
}
