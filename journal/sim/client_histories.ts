import type {
  AppendLogInput,
  AppendLogOutput,
  Operation,
  OperationOutcome,
  RegisterInput,
  RegisterOutput,
} from "./linearizability/mod.ts";
import type { MemoryState } from "./memory_state.ts";
import type { Ask, Recorded, Told } from "./recorded.ts";

type LogOperation = Operation<AppendLogInput, AppendLogOutput>;
type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

/**
 * What the clients saw, as two histories. Of a write whose client was not told what came of it, the
 * state at the end knows: it happened, and where, or it did not happen.
 */
export function clientHistories(
  state: MemoryState,
  recorded: readonly Recorded[],
): { readonly log: readonly LogOperation[]; readonly registers: readonly RegisterOperation[] } {
  const sequences = new Map(
    state.entries.map(({ request_id, sequence }) => [request_id, sequence]),
  );
  const log: LogOperation[] = [];
  const registers: RegisterOperation[] = [];
  for (const { client, ask, calledAt, returned } of recorded) {
    const told = returned?.told ?? toldLater(ask, sequences);
    if (told === undefined) continue;
    const at = returned?.at ?? Infinity;
    const common = { client, calledAt };
    const logged = logOperation(ask, told);
    const register = registerOperation(ask, told);
    if (logged) log.push({ ...common, input: logged[0], outcome: returnedAt(at, logged[1]) });
    if (register) {
      registers.push({ ...common, input: register[0], outcome: returnedAt(at, register[1]) });
    }
  }
  return { log: [...log, ...systemWrites(state, recorded)], registers };
}

function returnedAt<Output>(at: number, output: Output): OperationOutcome<Output> {
  return { kind: "returned", at, output };
}

function toldLater(ask: Ask, sequences: ReadonlyMap<string | undefined, number>): Told | undefined {
  const sequence = ask.kind === "read" ? undefined : sequences.get(ask.request);
  return sequence === undefined ? undefined : { kind: "appended", sequence };
}

function logOperation(ask: Ask, told: Told): [AppendLogInput, AppendLogOutput] | undefined {
  if (ask.kind === "read") {
    const { question } = ask;
    if (told.kind !== "answer" || question.kind === "report") return undefined;
    const { answer } = told;
    return question.kind === "entry"
      ? [question, { kind: "entry", request: answer === undefined ? undefined : String(answer) }]
      : [question, { kind: "next-sequence", sequence: Number(answer) }];
  }
  if (told.kind === "answer") return undefined;
  const { request } = ask;
  if (ask.kind === "report") return [{ kind: "append", request, scope: ask.node }, told];
  const { vcluster, expectedHead, parent } = ask;
  return [{
    kind: "append",
    request,
    scope: vcluster,
    ...expectedHead !== undefined && { expectedHead },
    ...parent !== undefined && { parent },
  }, told];
}

function registerOperation(ask: Ask, told: Told): [RegisterInput, RegisterOutput] | undefined {
  if (ask.kind === "report") {
    return [{ kind: "write", key: ask.node, value: reportText(ask.value) }, { kind: "written" }];
  }
  if (ask.kind !== "read" || ask.question.kind !== "report" || told.kind !== "answer") {
    return undefined;
  }
  const value = told.answer === undefined ? undefined : String(told.answer);
  return [{ kind: "read", key: ask.question.node }, { kind: "value", value }];
}

function reportText(value: string): string {
  return JSON.stringify({ serial: value });
}

/** Entries that no client asked for take part too: they have a sequence. */
function systemWrites(state: MemoryState, recorded: readonly Recorded[]): LogOperation[] {
  const asked = new Set(
    recorded.map(({ ask }) => ask.kind === "read" ? undefined : ask.request),
  );
  return state.entries.filter(({ request_id }) => !asked.has(request_id)).map(
    ({ request_id, sequence }) => ({
      client: "system",
      input: { kind: "append", request: request_id ?? `entry ${sequence}`, scope: "system" },
      calledAt: -Infinity,
      outcome: returnedAt(Infinity, { kind: "appended", sequence }),
    }),
  );
}
