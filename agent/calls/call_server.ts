/**
 * Serves the calls that the worker hands over. It owns the running calls, each with its credit; they
 * end when answered, cancelled or closed.
 */

import type { agentport } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { CoreFrameContent } from "../port/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import { CallInputQueue } from "./call_input.ts";
import type { CallGuard } from "./node_locks.ts";

/** Calls carried out at once; the worker refuses more before they get here. */
const MAX_CALLS = 512;

/** Answers that may be on their way to one caller. */
const MAX_CREDIT = 1_024;

/** A call while it is carried out. */
export interface CallContext {
  readonly caller: agentport.Caller;
  /** The approval that the caller refers to; empty where none is. */
  readonly approvalId: string;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
  /** What the caller says after the request, as encoded messages; to be iterated at most once. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Sends one encoded answer; resolves when the caller can take the next one. */
  send(message: Uint8Array): Promise<void>;
}

/** Carries out one method: reads the encoded request, sends answers, throws to refuse. */
export type CallHandler = (request: Uint8Array, context: CallContext) => Promise<void>;

/** Takes the frames about calls. */
export interface CallServer {
  onCall(call: agentport.Call): void;
  onCredit(credit: agentport.CallCredit): void;
  onInput(input: agentport.CallInput): void;
  onCancelled(cancelled: agentport.CallCancelled): void;
  /** Ends every running call: its caller is told that somebody ended it (SHS-7). */
  cancelAll(): void;
  /** The same, and refuses what comes after. */
  close(): void;
}

/** What a call server works with. */
export interface CallServerOptions {
  /** By method name. */
  readonly handlers: Readonly<Record<string, CallHandler>>;
  readonly send: (frame: CoreFrameContent) => void;
  readonly log: Logger;
  /** Told of every call that was denied to its caller. */
  readonly onDenied: (caller: agentport.Caller, detail: string) => void;
  /** Who is kept out, whatever roles allow: refused, and cut off in the middle of a call. */
  readonly guard: CallGuard;
}

/** What a caller hears whose call somebody ended (SHS-7). */
function terminated(): RefusedError {
  return new RefusedError("PRECONDITION", "session terminated by administrator");
}

/** Codes that say that somebody may not do what they asked for. */
const DENIALS = ["PERMISSION_DENIED", "POLICY_DENIED", "LOCKED"];

/** A server of calls. */
export function createCallServer(
  { handlers, send, log, onDenied, guard }: CallServerOptions,
): CallServer {
  const calls = new Map<bigint, RunningCall>();
  let isClosed = false;

  const carryOut = async (call: agentport.Call, running: RunningCall): Promise<void> => {
    if (isClosed) throw new RefusedError("SHUTTING_DOWN", "the agent is stopping");
    const refusal = guard.refusalFor(running.caller);
    if (refusal !== undefined) throw refusal;
    const handler = Object.hasOwn(handlers, call.method) ? handlers[call.method] : undefined;
    if (handler === undefined || calls.size > MAX_CALLS) {
      throw new RefusedError(
        handler === undefined ? "UNIMPLEMENTED" : "RESOURCE_EXHAUSTED",
        handler === undefined ? `${call.method} is not served by this version` : "too many calls",
      );
    }
    await handler(call.request, running);
  };

  const serve = async (call: agentport.Call): Promise<void> => {
    const { callId, caller, approvalId } = call;
    if (caller === undefined) return;
    const end = (error?: unknown) => {
      if (error instanceof RefusedError && DENIALS.includes(error.code)) {
        onDenied(caller, `${call.method}: ${error.message}`);
      }
      const refusal = error === undefined ? {} : refusalOf(error, call.method, log);
      send({ case: "callEnd", value: { callId, ...refusal } });
    };
    const running = new RunningCall(
      caller,
      approvalId,
      call.credit,
      (message) => send({ case: "callOutput", value: { callId, message } }),
      end,
      new CallInputQueue(() => send({ case: "callInputCredit", value: { callId, credit: 1 } })),
    );
    calls.set(callId, running);
    try {
      await carryOut(call, running);
      running.end();
    } catch (error) {
      running.end(error);
    } finally {
      running.input.close();
      calls.delete(callId);
    }
  };

  guard.onChange(() => {
    for (const call of calls.values()) {
      const refusal = guard.refusalFor(call.caller);
      if (refusal !== undefined) call.cut(refusal);
    }
  });
  return {
    onCall: (call) => void serve(call),
    onCredit: ({ callId, credit }) => calls.get(callId)?.give(credit),
    onInput: ({ callId, message, isEnd }) => {
      const input = calls.get(callId)?.input;
      if (isEnd) input?.end();
      else input?.push(message);
    },
    onCancelled: ({ callId }) => calls.get(callId)?.cancel(),
    cancelAll: () => calls.forEach((call) => call.cut(terminated())),
    close: () => {
      isClosed = true;
      calls.forEach((call) => call.cancel());
    },
  };
}

/** Stable codes pass, everything else stays on the node (API-10). */
function refusalOf(error: unknown, method: string, log: Logger) {
  if (error instanceof RefusedError) {
    const { code, message, approval } = error;
    return {
      errorCode: code,
      errorMessage: message,
      approvalId: approval.id,
      approvalExpires: approval.expires,
    };
  }
  log.error("call failed", {
    method,
    error: error instanceof Error ? error.stack ?? error.message : String(error),
  });
  return { errorCode: "INTERNAL", errorMessage: "INTERNAL: the node's log says more" };
}

class RunningCall implements CallContext {
  readonly #cancelled = new AbortController();
  #wake: (() => void) | undefined;
  #hasEnded = false;

  constructor(
    readonly caller: agentport.Caller,
    readonly approvalId: string,
    private credit: number,
    private readonly output: (message: Uint8Array) => void,
    private readonly onEnd: (error?: unknown) => void,
    readonly input: CallInputQueue,
  ) {}

  /** Tells the caller how it ended, once. */
  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.onEnd(error);
  }

  /** Ends the call for its caller at once, and for whoever carries it out as if the caller had gone. */
  cut(refusal: RefusedError): void {
    this.end(refusal);
    this.cancel();
  }

  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  async send(message: Uint8Array): Promise<void> {
    while (this.credit <= 0 && !this.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    if (this.signal.aborted) return;
    this.credit--;
    this.output(message);
  }

  give(credit: number): void {
    this.credit = Math.min(this.credit + credit, MAX_CREDIT);
    this.#wake?.();
  }

  cancel(): void {
    this.#cancelled.abort();
    this.input.close();
    this.#wake?.();
  }
}
