import { shell } from "../../api/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import type { ExecRequest, ExecRights } from "../exec/mod.ts";
import { approvedGrant } from "./approved_grant.ts";
import type { CallContext, CallHandler } from "./call_server.ts";
import { streamingCall } from "./handler.ts";
import { LineTail, portions } from "./line_tail.ts";
import type { CallNode } from "./node.ts";

const { method } = shell.ShellService;

const DEFAULT_LINES = 100;
const MAX_LINES = 10_000;
const MAX_PATTERN_CHARS = 255;
/** Longest a source may take (DIA-7). */
const SOURCE_LIMIT_MS = 5_000;
/** Most that is looked at of one source (DIA-8). */
const MAX_SOURCE_BYTES = 64 * 1024 * 1024;
const SYSTEM_LOGS = ["/var/log/syslog", "/var/log/messages"];
const SOURCES = ["all", "system", "service", "dmesg", "syslog"];

/** Log lines of the system and of services (node-ops.md 9). */
export function diagCalls(node: CallNode): Record<string, CallHandler> {
  return {
    [method.collectDiag.name]: streamingCall(
      method.collectDiag,
      (request, call) => collect(node, request, call),
    ),
  };
}

/** What to look for, and in how many lines. */
interface Search {
  readonly pattern: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** What was found in one source. */
interface Finding {
  readonly lines: readonly string[];
  readonly truncated: boolean;
}

const NOTHING: Finding = { lines: [], truncated: false };

async function* collect(node: CallNode, request: shell.DiagRequest, call: CallContext) {
  const command = request.serviceName;
  const wanted = { action: "diag", changesState: false, command, args: [] };
  const grant = await approvedGrant(node, call, wanted);
  const search = {
    pattern: request.grepPattern,
    limit: lineLimit(request),
    signal: call.signal,
  };
  checkNames(request);
  await checkPattern(node, search);
  const filter = request.sourceFilter === "" ? "all" : request.sourceFilter;
  const named = request.serviceName;
  node.audit("admin.diag", grant.author, `sources: ${named === "" ? filter : `service ${named}`}`);
  const wants = (...filters: string[]) => named === "" && filters.includes(filter);
  if (wants("all", "system", "dmesg")) yield* chunks("dmesg", await dmesg(node, search));
  if (wants("all", "system", "syslog")) {
    const logs = SYSTEM_LOGS.map((path) => `${node.root}${path}`);
    yield* chunks("syslog", await filesSource(node, logs, search));
  }
  const services = named !== ""
    ? [named]
    : wants("all", "service")
    ? node.supervisor.status().services.map(({ name }) => name)
    : [];
  for (const name of services) {
    yield* chunks(`service:${name}`, await service(node, name, search));
  }
}

function* chunks(source: string, { lines, truncated }: Finding) {
  for (const portion of portions(lines)) yield { source, lines: portion, truncated };
}

function lineLimit({ lineLimit }: shell.DiagRequest): number {
  if (lineLimit > MAX_LINES) {
    throw new RefusedError("INVALID_ARGUMENT", `line_limit must be <= ${MAX_LINES}`);
  }
  return lineLimit === 0 ? DEFAULT_LINES : lineLimit;
}

function checkNames({ serviceName, sourceFilter }: shell.DiagRequest): void {
  if (/[/\0]|\.\./.test(serviceName)) {
    throw new RefusedError("INVALID_ARGUMENT", "invalid service name");
  }
  if (sourceFilter !== "" && !SOURCES.includes(sourceFilter)) {
    throw new RefusedError("INVALID_ARGUMENT", `unknown source '${sourceFilter}'`);
  }
}

/** Lets grep itself judge the pattern, on an empty input (DIA-4). */
async function checkPattern(node: CallNode, search: Search): Promise<void> {
  const { pattern } = search;
  const isBounded = pattern.length <= MAX_PATTERN_CHARS && !/[\0\n]/.test(pattern);
  if (pattern === "") return;
  const code = isBounded ? (await run(node, grep(["/dev/null"], search), search)).exitCode : 2;
  if (code === 2) throw new RefusedError("INVALID_ARGUMENT", "invalid grep pattern");
}

async function service(node: CallNode, name: string, search: Search): Promise<Finding> {
  if (!node.supervisor.status().services.some((service) => service.name === name)) {
    return { lines: [`service '${name}' not found in supervisor`], truncated: false };
  }
  const current = `${node.logsDirectory}/${name}.log`;
  return await filesSource(node, [`${current}.1`, current], search);
}

/** The last lines of files that match, in their order: filtered first, then cut (DIA-3). */
async function filesSource(
  node: CallNode,
  paths: readonly string[],
  search: Search,
): Promise<Finding> {
  const present = paths.filter((path) => node.files.lstatIfPresent(path)?.type === "file");
  if (present.length === 0) return NOTHING;
  // Whole files are read from their end; one line more tells whether there are more.
  const command = search.pattern === ""
    ? { command: "tail", args: ["-q", "-n", String(search.limit + 1), "--", ...present] }
    : grep(present, search);
  return await run(node, command, search);
}

/** What the kernel said; without leave to read it, nothing (DIA-6). */
async function dmesg(node: CallNode, search: Search): Promise<Finding> {
  const command = { command: "dmesg", args: [] };
  if (search.pattern === "") return await run(node, command, search);
  const everything = await run(node, command, { ...search, limit: MAX_LINES });
  const path = `${node.logsDirectory}/.diag-${node.newId()}`;
  await node.files.writeAtomic(path, `${everything.lines.join("\n")}\n`, { mode: 0o600 });
  try {
    const found = await run(node, grep([path], search), search);
    return { ...found, truncated: found.truncated || everything.truncated };
  } finally {
    node.files.unlink(path);
  }
}

/** grep matches in time linear to its input, which the runtime's own expressions do not (DIA-4). */
function grep(paths: readonly string[], { pattern }: Search): ExecRequest {
  const ignoresCase = pattern.startsWith("(?i)");
  const expression = ignoresCase ? pattern.slice("(?i)".length) : pattern;
  const options = ["-h", "-s", "-a", "-E", ...(ignoresCase ? ["-i"] : [])];
  return { command: "grep", args: [...options, "-e", expression, "--", ...paths] };
}

/** What the agent itself may run to collect logs. */
const DIAG_RIGHTS: ExecRights = {
  whitelist: new Set(["grep", "tail", "dmesg"]),
  bypassesWhitelist: false,
  readOnlyOnly: true,
  isPlatformAdmin: false,
};

async function run(
  node: CallNode,
  command: ExecRequest,
  { limit, signal }: Search,
): Promise<Finding & { readonly exitCode: number }> {
  const preparation = node.executor.prepare(command, DIAG_RIGHTS);
  if (preparation.kind === "refused") return { ...NOTHING, exitCode: 0 };
  const limits = { signal, timeoutMs: SOURCE_LIMIT_MS, maxOutputBytes: MAX_SOURCE_BYTES };
  const tail = new LineTail(limit);
  let isCut = false;
  let exitCode = 0;
  for await (const event of node.executor.run(preparation.plan, node.newId(), limits).events) {
    if (event.kind === "stdout") tail.add(event.bytes);
    if (event.kind === "error") isCut = true;
    if (event.kind === "exit") exitCode = event.code;
  }
  const lines = tail.lines();
  return { lines, truncated: isCut || tail.isCut, exitCode };
}
