import type { Answer, Question, StateMachine } from "./state_machine.ts";

/** What a reader gets: an answer, or the news that there was none in time. */
export type Reply = { readonly kind: "answer"; readonly answer: Answer } | {
  readonly kind: "unavailable";
};

interface Waiter {
  readonly question: Question;
  /** What has to be applied first. */
  readonly isDue: (machine: StateMachine) => boolean;
  readonly deadlineMs: number;
  readonly reply: (reply: Reply) => void;
}

/** Readers that wait until the state has got somewhere. */
export class Waiters {
  #waiting: Waiter[] = [];

  add(waiter: Waiter): void {
    this.#waiting.push(waiter);
  }

  /** Answers whoever need not wait any longer. */
  settle(machine: StateMachine, nowMs: number): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ isDue, deadlineMs }) =>
      !isDue(machine) && nowMs < deadlineMs
    );
    for (
      const { question, isDue, reply } of waiting.filter((each) => !this.#waiting.includes(each))
    ) {
      if (isDue(machine)) reply({ kind: "answer", answer: machine.answer(question) });
      else reply({ kind: "unavailable" });
    }
  }
}
