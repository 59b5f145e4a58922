/**
 * Has the worker find out whether the journal's quorum is lost: a member that cannot reach the others
 * keeps its streams open, so that contact alone says nothing about that (PRT-1). It owns the question
 * under way, which ends by its answer or by its time limit.
 *
 * @module
 */
import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { CoreFrameContent } from "../port/mod.ts";

/** Longest wait for the worker, which itself asks for less. */
const ANSWER_LIMIT_MS = 15_000;

/** Knows whether the quorum is lost. */
export interface QuorumDesk {
  /**
   * Whether every journal was asked for 10 s, and none could answer for the quorum. Without an answer
   * it is not lost: nobody is to think so who was only not told. Questions that come together are one.
   */
  isLost(): Promise<boolean>;
  onAnswer(answer: agentport.QuorumAnswer): void;
}

/** What the desk works with. */
export interface QuorumDeskOptions {
  readonly send: (frame: CoreFrameContent) => void;
  readonly clock: Clock;
}

/** A desk without a question. */
export function createQuorumDesk({ send, clock }: QuorumDeskOptions): QuorumDesk {
  let lastId = 0n;
  let asked: { readonly id: bigint; readonly settle: (isLost: boolean) => void } | undefined;
  let answer = Promise.resolve(false);

  const ask = () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const id = ++lastId;
    const timer = clock.setTimer(ANSWER_LIMIT_MS, () => asked?.settle(false));
    asked = {
      id,
      settle: (isLost) => {
        clock.clearTimer(timer);
        asked = undefined;
        resolve(isLost);
      },
    };
    send({ case: "askQuorum", value: { askId: id } });
    return promise;
  };

  return {
    isLost: () => {
      if (asked === undefined) answer = ask();
      return answer;
    },
    onAnswer: ({ askId, isLost }) => {
      if (asked?.id === askId) asked.settle(isLost);
    },
  };
}
