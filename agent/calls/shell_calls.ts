import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { config, shell } from "../../api/mod.ts";
import { redactSecrets } from "../../contracts/mod.ts";
import { nodeEntry } from "../entries/mod.ts";
import {
  clampedSize,
  type EndReason,
  type LoggedCommand,
  type SessionEnd,
  shellNotice,
  type ShellPlace,
  type ShellSession,
  type ShellTerminal,
  terminalOf,
} from "../shell/mod.ts";
import { admitCall, type CallGrant } from "./access.ts";
import { approvedGrant } from "./approved_grant.ts";
import type { CallContext, CallHandler } from "./call_server.ts";
import type { CallNode } from "./node.ts";

const { method } = shell.ShellService;

/** Longest part of a command that is put on record. */
const MAX_COMMAND_CHARS = 2_048;

/** What the person is told when a session does not end by themselves (SHL-10). */
const END_TEXTS: Partial<Record<EndReason, string>> = {
  "idle timeout": "session ended: no key was pressed for too long",
  "time limit": "session ended: its time was up",
  "end of input": "session ended: nothing more to do",
  "the command log was cut off": "session ended: the command log was cut off",
  "failed": "session ended: the terminal or the way to it broke",
};

/** Interactive shells (node-ops.md 8.3). */
export function shellCalls(node: CallNode): Record<string, CallHandler> {
  return { [method.shell.name]: (request, call) => open(node, request, call) };
}

async function open(node: CallNode, request: Uint8Array, call: CallContext): Promise<void> {
  const { author } = admitCall(node.standing(), call.caller, "shell", true);
  const terminal = terminalOf(fromBinary(shell.ShellInputSchema, request));
  const { principal } = author;
  const shellWhitelist = node.standing().policy?.shellWhitelist ?? [];
  // Before an approval is used up by a session that there is no room for.
  const place = node.shells.take({ person: principal, terminal, shellWhitelist });
  try {
    const grant = await approvedGrant(node, call, { action: "shell", command: "", args: [] });
    await new OpenShell(node, call, grant, place).serve(terminal);
  } finally {
    place.release();
  }
}

/** One session between its caller and its records. */
class OpenShell {
  constructor(
    private readonly node: CallNode,
    private readonly call: CallContext,
    private readonly grant: CallGrant,
    private readonly place: ShellPlace,
  ) {}

  /** Serves the session to its end, which leaves an entry however it comes (SHL-10). */
  async serve({ term }: ShellTerminal): Promise<void> {
    const { node, grant: { author }, place: { sessionId } } = this;
    const missing = this.#uncontained();
    const containment = missing.length === 0 ? "" : `; not contained: ${missing.join("; ")}`;
    await node.auditFirst("admin.shell_start", author, `${sessionId}${containment}`);
    this.#write({ event: "start", term, uncontained: missing });
    let end: SessionEnd = { reason: "failed", exitCode: 126, durationMs: 0, commands: 0 };
    try {
      end = await this.#run(missing);
    } finally {
      const { reason, exitCode, durationMs, commands } = end;
      this.#write({
        event: "end",
        reason,
        exit_code: exitCode,
        duration_ms: Math.round(durationMs),
        commands,
      });
      const facts = `${reason}, status ${exitCode}, ${commands} commands`;
      node.audit("admin.shell_end", author, `${sessionId}: ${facts}`);
      node.attribute(author.principal);
      await node.convergence.scan();
    }
    const text = END_TEXTS[end.reason];
    if (text !== undefined) await this.#send({ case: "error", value: text });
    await this.#send({ case: "exitCode", value: end.exitCode });
  }

  async #run(missing: readonly string[]): Promise<SessionEnd> {
    const { call, place } = this;
    const session = await place.start({
      show: (bytes) => this.#send({ case: "stdout", value: new Uint8Array(bytes) }),
      onCommand: (command) => this.#record(command),
    });
    const gone = () => session.end("the caller has gone");
    call.signal.addEventListener("abort", gone, { once: true });
    if (call.signal.aborted) gone();
    await this.#send({ case: "sessionId", value: place.sessionId });
    await this.#send({ case: "stdout", value: this.#notice(missing) });
    const ended = session.run();
    // Ends with the call, which closes its input.
    this.#follow(session).catch(() => session.end("failed"));
    try {
      return await ended;
    } finally {
      call.signal.removeEventListener("abort", gone);
    }
  }

  async #follow(session: ShellSession): Promise<void> {
    for await (const bytes of this.call.input) {
      const { input } = fromBinary(shell.ShellInputSchema, bytes);
      switch (input.case) {
        case "stdin":
          await session.type(input.value);
          break;
        case "resize":
          session.resize(clampedSize(input.value));
          break;
        case "close":
          session.end("closed by the user");
          break;
        default:
          break;
      }
    }
    session.endInput();
  }

  #notice(uncontained: readonly string[]): Uint8Array<ArrayBuffer> {
    const { node, place: { sessionId, leftOut } } = this;
    const text = shellNotice({
      nodeId: node.standing().nodeId,
      sessionId,
      idleSeconds: node.shells.idleSeconds,
      windowSeconds: node.convergence.status().remainingSeconds,
      emergency: node.emergency.session(),
      leftOut,
      uncontained,
    });
    return new TextEncoder().encode(text);
  }

  #uncontained(): string[] {
    return this.node.shells.unavailable.map(({ what, reason }) => `${what}: ${reason}`);
  }

  /** SHL-11; who changed what it may have changed is known from now on (SHL-14). */
  #record({ directory, text, lineStatus }: LoggedCommand): void {
    const { node, grant: { author }, place: { sessionId } } = this;
    const command = redactSecrets(text).slice(0, MAX_COMMAND_CHARS);
    const ended = lineStatus === undefined ? "" : ` (status ${lineStatus})`;
    node.audit(
      "admin.shell_command",
      author,
      `${sessionId} in ${directory}: ${command}${ended}`,
    );
    node.attribute(author.principal);
  }

  async #send(output: shell.ShellOutput["output"]): Promise<void> {
    const message = create(shell.ShellOutputSchema, { output });
    await this.call.send(toBinary(shell.ShellOutputSchema, message));
  }

  #write(facts: Readonly<Record<string, unknown>>): void {
    const { node, grant, place: { sessionId } } = this;
    const entry = nodeEntry(node.standing().nodeId, node.clock.nowMs(), grant.author, {
      entryType: config.EntryType.SHELL_SESSION,
      message: JSON.stringify({ session: sessionId, ...facts }),
      policyRef: grant.policyRef,
    });
    node.writer.write({ entry }).catch((error: unknown) =>
      node.log.error("shell entry refused by the journal", {
        session: sessionId,
        error: String(error),
      })
    );
  }
}
