import type { agentport } from "../../api/mod.ts";
import { isErrorCode, PactError } from "../../common/errors/mod.ts";
import type { Principal } from "../../common/authz/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import type { WorkerPort } from "../port/mod.ts";

/** Answers of one call that may wait here; the core sends no more without new credit. */
const CREDIT = 16;
/** Messages of one caller that the core has not taken yet. */
const INPUT_CREDIT = 16;
/** Calls at once; more are refused (SHS-5). */
const MAX_CALLS = 256;

/** Bounds of what a token may say, as the core has them. */
const MAX_ROLES = 100;
const MAX_ROLE_CHARS = 256;
const MAX_PRINCIPAL_CHARS = 4096;

/** Who calls, and from where. */
export interface VerifiedCaller {
  readonly principal: Principal;
  readonly remoteAddress: string;
}

/** A call as it came. */
export interface CallStart {
  readonly method: string;
  readonly caller: VerifiedCaller;
  readonly request: Uint8Array;
  /** The approval that the caller refers to; empty where none is. */
  readonly approvalId: string;
  /** What the caller says after the request, as encoded messages of at most 64 KiB. */
  readonly input?: AsyncIterable<Uint8Array>;
}

/** Carries calls over the port to the core and their answers back. */
export interface CallBroker {
  /**
   * The answers of one call, as encoded messages.
   *
   * @throws {PactError} what the core refused with, RESOURCE_EXHAUSTED beyond 256 calls.
   */
  call(start: CallStart, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  onOutput(output: agentport.CallOutput): void;
  onInputCredit(credit: agentport.CallCredit): void;
  onEnd(end: agentport.CallEnd): void;
}

/** A broker over `port`. */
export function createCallBroker(port: WorkerPort): CallBroker {
  const calls = new Map<bigint, PendingCall>();
  let lastId = 0n;
  return {
    call: async function* (start, signal) {
      if (calls.size >= MAX_CALLS) {
        throw new PactError(
          "RESOURCE_EXHAUSTED",
          `more than ${MAX_CALLS} calls at once on this node`,
        );
      }
      requireBearable(start.caller);
      const callId = ++lastId;
      const pending = new PendingCall(callId, port);
      calls.set(callId, pending);
      const cancel = () => pending.end(new PactError("UNAVAILABLE", "the caller has gone away"));
      signal.addEventListener("abort", cancel, { once: true });
      try {
        port.send({ case: "call", value: startOf(callId, start) });
        if (start.input !== undefined) void pending.forward(start.input);
        yield* pending.messages();
      } finally {
        signal.removeEventListener("abort", cancel);
        calls.delete(callId);
        pending.end(undefined);
        if (!pending.isEndedByCore) port.send({ case: "callCancelled", value: { callId } });
      }
    },
    onOutput: ({ callId, message }) => calls.get(callId)?.push(message),
    onInputCredit: ({ callId, credit }) => calls.get(callId)?.giveInput(credit),
    onEnd: (end) => calls.get(end.callId)?.endByCore(end),
  };
}

/** A token with more than the core takes is its bearer's fault, and must not look like the worker's. */
function requireBearable({ principal: { principal, roles, subject = "" } }: VerifiedCaller): void {
  const isBearable = roles.length <= MAX_ROLES && principal.length <= MAX_PRINCIPAL_CHARS &&
    subject.length <= MAX_PRINCIPAL_CHARS &&
    roles.every((role) => role.length <= MAX_ROLE_CHARS);
  if (!isBearable) throw new PactError("UNAUTHENTICATED", "invalid token: too many or long roles");
}

function startOf(
  callId: bigint,
  { method, caller, request, approvalId }: Omit<CallStart, "input">,
) {
  const { principal, principalType, roles, subject = "" } = caller.principal;
  const { remoteAddress } = caller;
  return {
    callId,
    method,
    request,
    credit: CREDIT,
    caller: { principal, principalType, roles: [...roles], remoteAddress, subject },
    approvalId,
  };
}

/** The answers of one call on their way to its caller. */
class PendingCall {
  isEndedByCore = false;
  #queue: Uint8Array[] = [];
  #end: { readonly error: PactError | undefined } | undefined;
  #wake: (() => void) | undefined;
  #inputCredit = INPUT_CREDIT;
  #wakeInput: (() => void) | undefined;

  constructor(private readonly callId: bigint, private readonly port: WorkerPort) {}

  /** Passes on what the caller says, no faster than the core takes it. Ends with the call. */
  async forward(input: AsyncIterable<Uint8Array>): Promise<void> {
    const { callId, port } = this;
    try {
      for await (const message of input) {
        while (this.#inputCredit <= 0 && this.#end === undefined) {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wakeInput = resolve;
          await promise;
        }
        if (this.#end !== undefined) return;
        this.#inputCredit--;
        port.send({ case: "callInput", value: { callId, message } });
      }
      if (this.#end === undefined) {
        port.send({ case: "callInput", value: { callId, isEnd: true } });
      }
    } catch (error) {
      this.end(
        error instanceof PactError
          ? error
          : new PactError("UNAVAILABLE", "the caller has gone away"),
      );
    }
  }

  giveInput(credit: number): void {
    this.#inputCredit = Math.min(this.#inputCredit + credit, INPUT_CREDIT);
    this.#wakeInput?.();
  }

  push(message: Uint8Array): void {
    this.#queue.push(message);
    this.#wake?.();
  }

  endByCore({ errorCode, errorMessage, approvalId, approvalExpires }: agentport.CallEnd): void {
    this.isEndedByCore = true;
    const code = isErrorCode(errorCode) ? errorCode : "INTERNAL";
    const trailers: Record<string, string> = approvalId === "" ? {} : {
      [metadata.approvalId]: approvalId,
      [metadata.approvalExpires]: approvalExpires,
    };
    this.end(errorCode === "" ? undefined : new PactError(code, errorMessage, { trailers }));
  }

  end(error: PactError | undefined): void {
    this.#end ??= { error };
    this.#wake?.();
    this.#wakeInput?.();
  }

  async *messages(): AsyncGenerator<Uint8Array> {
    // Ends when the core or the caller ends the call.
    while (true) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        yield message;
        this.port.send({ case: "callCredit", value: { callId: this.callId, credit: 1 } });
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}
