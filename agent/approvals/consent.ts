/**
 * Asks the journal about actions that take two people: it opens an approval, or redeems the permit of
 * one (APR-12). It owns the questions under way; each ends by its answer, by its time limit or by
 * `close`.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { type Author, isOutOfReach, RefusedError } from "../entries/mod.ts";
import type { CoreFrameContent } from "../port/mod.ts";

/** Longest wait for the journal's answer. */
const ANSWER_LIMIT_MS = 12_000;
/** Questions under way at once. */
const MAX_QUESTIONS = 256;

/** Who wants something. */
export interface PersonAsking {
  readonly author: Author;
  /** Subject of the token. */
  readonly subject: string;
}

/** What somebody wants to do on this node. */
export interface AskedAction {
  readonly person: PersonAsking;
  readonly action: string;
  /** The program, or the service. */
  readonly command: string;
  readonly args: readonly string[];
  /** The approval that was given already; empty to ask for one. */
  readonly approvalId: string;
  /** It changes nothing on the node. */
  readonly harmless: boolean;
}

/** The consent of a second person. */
export interface Consent {
  /**
   * What authorizes the action.
   *
   * @throws {RefusedError} APPROVAL_REQUIRED with the approval that is pending now, POLICY_DENIED
   * while the journal cannot be asked (DEG-5), or what the journal refuses.
   */
  ask(action: AskedAction): Promise<{ readonly policyRef: string }>;
  onAnswer(answer: agentport.ApprovalAnswer): void;
  /** Contact was lost: nothing under way will be answered. */
  disconnected(): void;
}

/** What consent works with. */
export interface ConsentOptions {
  readonly send: (frame: CoreFrameContent) => void;
  readonly clock: Clock;
  /** A fresh id, so that a question takes effect once. */
  readonly newUuid: () => string;
}

/** A desk without questions. */
export function createConsent({ send, clock, newUuid }: ConsentOptions): Consent {
  const waiting = new Map<bigint, (answer: agentport.ApprovalAnswer) => void>();
  let lastId = 0n;

  const submit = (asked: AskedAction): Promise<agentport.ApprovalAnswer> => {
    const { promise, resolve } = Promise.withResolvers<agentport.ApprovalAnswer>();
    const askId = ++lastId;
    const timer = clock.setTimer(ANSWER_LIMIT_MS, () => settle(unanswered(askId)));
    const settle = (answer: agentport.ApprovalAnswer) => {
      clock.clearTimer(timer);
      waiting.delete(askId);
      resolve(answer);
    };
    waiting.set(askId, settle);
    send({ case: "askApproval", value: questionOf(asked, askId, newUuid()) });
    return promise;
  };

  return {
    ask: async (asked) => {
      if (waiting.size >= MAX_QUESTIONS) {
        throw new RefusedError("RESOURCE_EXHAUSTED", "too many requests wait for an approval");
      }
      const { errorCode, errorMessage, policyRef, approvalId, approvalExpires } = await submit(
        asked,
      );
      if (errorCode === "") return { policyRef };
      if (isOutOfReach(errorCode)) throw unavailable(asked.action);
      throw new RefusedError(errorCode, errorMessage, { id: approvalId, expires: approvalExpires });
    },
    onAnswer: (answer) => waiting.get(answer.askId)?.(answer),
    disconnected: () => {
      for (const [askId, settle] of [...waiting]) settle(unanswered(askId));
    },
  };
}

/** The journal, and so a second person, is out of reach. */
export class OutOfReachError extends RefusedError {}

/** Nobody can be asked: denied, and never kept for later (APR-4, DEG-5, EXE-2). */
export function unavailable(action: string): OutOfReachError {
  const when = action === "exec" ? "in degraded mode" : "during partition";
  return new OutOfReachError("POLICY_DENIED", `two-person approval unavailable ${when}`);
}

function questionOf(
  { person, action, command, args, approvalId, harmless }: AskedAction,
  askId: bigint,
  requestId: string,
): agentport.AskApproval {
  return create(agentport.AskApprovalSchema, {
    askId,
    author: { ...person.author },
    authorSubject: person.subject,
    action,
    command,
    args: [...args],
    approvalId,
    requestId,
    harmless,
  });
}

function unanswered(askId: bigint): agentport.ApprovalAnswer {
  return create(agentport.ApprovalAnswerSchema, {
    askId,
    errorCode: "UNAVAILABLE",
    errorMessage: "the journal did not answer",
  });
}
