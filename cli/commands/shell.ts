import { object } from "@optique/core/constructs";
import { argument } from "@optique/core/primitives";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import type { Agent } from "../session/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { approvalOption, noWaitOption, withPermit } from "./approval.ts";
import { withAction, word } from "./parsing.ts";
import { ShellInput } from "./shell_input.ts";
import { targetAgent } from "./targets.ts";

/** What a shell without a terminal here is told it has. */
const DEFAULT_TERM = "xterm-256color";

/** Values of TERM that agents take (SHL-1). */
const TERM = /^[A-Za-z0-9+._-]{1,64}$/;

/** `pact shell NODE` (CLI-91). */
export const shellCommand = withAction(
  object({
    node: argument(word("NODE")),
    noWait: noWaitOption,
    approval: approvalOption,
  }),
  ({ node, noWait, approval }) =>
    action(async (context) => {
      if (context.out.format !== "text") {
        throw usageFailure("--output json: a shell has no such form", "pact exec has one");
      }
      const agent = await targetAgent(context, node);
      const waiting = { noWait: noWait === true, scope: { Node: agent.node }, approval };
      return await withPermit(
        context,
        waiting,
        (approvalId) => interact(context, agent, approvalId),
      );
    }),
);

/** One session, from the request to the status of the remote shell. */
async function interact(
  context: CommandContext,
  agent: Agent,
  approvalId: string | undefined,
): Promise<number> {
  const { host, out } = context;
  const term = host.env("TERM") ?? "";
  const input = new ShellInput(host.keyboard, TERM.test(term) ? term : DEFAULT_TERM);
  const ended = new AbortController();
  const stopListening = host.keyboard.onTermination(() => {
    ended.abort();
    input.close();
  });
  let restore = () => {};
  let exitCode: number | undefined;
  let error = "";
  try {
    const messages = agent.peer.stream(
      ({ signal, ...options }) =>
        agent.shell.shell(input.messages(), {
          ...options,
          signal: AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]),
        }),
      approvalId === undefined ? {} : { approvalId },
    );
    for await (const { output } of messages) {
      switch (output.case) {
        case "sessionId":
          await out.note(`Shell session: ${output.value}`);
          restore = host.keyboard.makeRaw();
          input.open();
          break;
        case "stdout":
          await out.raw("stdout", output.value);
          break;
        case "error":
          error = output.value;
          break;
        case "exitCode":
          exitCode = output.value & 0xff;
          // The stream ends once both sides have said all.
          input.close();
          break;
        case undefined:
          break;
      }
    }
  } catch (failure) {
    if (!ended.signal.aborted) throw failure;
    error = "interrupted";
  } finally {
    restore();
    stopListening();
    input.close();
  }
  if (ended.signal.aborted) throw new Failure("INTERRUPTED", "interrupted", EXIT.interrupted, []);
  if (error !== "") await out.note(error);
  if (exitCode !== undefined) return exitCode;
  throw new Failure(
    "REMOTE",
    `${agent.peer.label} ended the shell without an exit status`,
    EXIT.general,
    [],
  );
}
