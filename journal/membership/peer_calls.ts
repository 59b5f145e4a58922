/**
 * What members ask of the leader in matters of the membership, as JSON on the connection between
 * members (api.md section 9). Both sides check what comes in.
 *
 * @module
 */
import { z } from "zod";
import { isErrorCode, PactError } from "../../common/errors/mod.ts";
import type { ClusterView, MemberChange } from "./view.ts";

const IdSchema = z.number().int().min(1).max(2 ** 32 - 1);
const AddressSchema = z.string().max(300);
const CounterSchema = z.string().regex(/^[0-9]{1,20}$/).transform(BigInt);

const MemberChangeSchema = z.discriminatedUnion("operation", [
  z.strictObject({
    operation: z.literal("add_learner"),
    id: IdSchema,
    raft: AddressSchema,
    api: AddressSchema,
  }),
  z.strictObject({ operation: z.literal("promote"), id: IdSchema }),
  z.strictObject({ operation: z.literal("remove"), id: IdSchema, force: z.boolean() }),
  z.strictObject({
    operation: z.literal("transfer"),
    id: IdSchema.nullable().transform((id) => id ?? undefined),
  }),
]);

const ClusterViewSchema = z.strictObject({
  clusterId: z.string().max(64).optional(),
  leaderId: IdSchema.optional(),
  term: CounterSchema,
  commitIndex: CounterSchema,
  appliedIndex: CounterSchema,
  isChanging: z.boolean(),
  members: z.array(z.strictObject({
    id: IdSchema,
    raft: AddressSchema,
    api: AddressSchema,
    role: z.enum(["leader", "voter", "learner"]),
    matchIndex: CounterSchema.optional(),
    isReachable: z.boolean(),
    lastContactMs: z.number().optional(),
    isSelf: z.boolean(),
  })).max(256),
});

const QuestionSchema = z.discriminatedUnion("ask", [
  z.strictObject({ ask: z.literal("change"), change: MemberChangeSchema }),
  z.strictObject({ ask: z.literal("view") }),
]);

const AnswerSchema = z.union([
  z.strictObject({ done: z.literal(true) }),
  z.strictObject({ view: ClusterViewSchema }),
  z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) }),
]);

/** What a member asks of the leader. */
export type Question =
  | { readonly ask: "change"; readonly change: MemberChange }
  | { readonly ask: "view" };

/** What the leader answers. */
export type Answer =
  | { readonly done: true }
  | { readonly view: ClusterView }
  | { readonly error: PactError };

/** The bytes of a question. */
export function encodeQuestion(question: Question): Uint8Array {
  return encode(question, (key, value) => key === "id" && value === undefined ? null : value);
}

/** @throws {PactError} INVALID_ARGUMENT for what is no question. */
export function decodeQuestion(bytes: Uint8Array): Question {
  const parsed = QuestionSchema.safeParse(decode(bytes));
  if (!parsed.success) throw new PactError("INVALID_ARGUMENT", "not a question of a member");
  const question = parsed.data;
  if (question.ask === "view") return question;
  const { change } = question;
  return change.operation === "transfer"
    ? { ask: "change", change: { operation: "transfer", id: change.id } }
    : { ask: "change", change };
}

/** The bytes of an answer; causes of errors stay here (API-10). */
export function encodeAnswer(answer: Answer): Uint8Array {
  if (!("error" in answer)) return encode(answer);
  const { code, message } = answer.error;
  return encode({ error: { code, message } });
}

/** @throws {PactError} the error in the answer, or UNAVAILABLE for what is none. */
export function decodeAnswer(bytes: Uint8Array): Exclude<Answer, { error: PactError }> {
  const parsed = AnswerSchema.safeParse(decode(bytes));
  if (!parsed.success) {
    throw new PactError("UNAVAILABLE", "the leader answered what this version does not understand");
  }
  const answer = parsed.data;
  if (!("error" in answer)) {
    return "done" in answer ? answer : { view: viewOf(answer.view) };
  }
  const { code, message } = answer.error;
  throw new PactError(isErrorCode(code) ? code : "UNAVAILABLE", message);
}

function viewOf(view: z.output<typeof ClusterViewSchema>): ClusterView {
  return {
    ...view,
    clusterId: view.clusterId,
    leaderId: view.leaderId,
    members: view.members.map((member) => ({
      ...member,
      matchIndex: member.matchIndex,
      lastContactMs: member.lastContactMs,
    })),
  };
}

function encode(
  value: unknown,
  replace: (key: string, value: unknown) => unknown = (_key, each) => each,
): Uint8Array {
  const text = JSON.stringify(
    value,
    (key, each) => typeof each === "bigint" ? String(each) : replace(key, each),
  );
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
