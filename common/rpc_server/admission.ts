import {
  type ConnectError,
  type ContextKey,
  type ContextValues,
  createContextKey,
  type Interceptor,
} from "@connectrpc/connect";
import type { LiveStream } from "./live_stream.ts";
import type { Peer } from "./peer.ts";

/** What is known of a call before any of its body is read. */
export interface IncomingCall {
  /** Full name, such as `pact.journal.ConfigService`. */
  service: string;
  method: string;
  header: Headers;
  peer: Peer;
  /** Handlers see what is set here, such as the authenticated principal. */
  contextValues: ContextValues;
  /** Absent for unary calls, which end by themselves soon. */
  stream?: LiveStream;
}

/**
 * Decides on a call before its body is parsed (API-3): returns to let it in, throws to refuse. What
 * it throws passes through the server's error mapping.
 */
export type Admit = (call: IncomingCall) => void | Promise<void>;

/** The pending decision on a call. */
export const admissionKey: ContextKey<Promise<void>> = createContextKey(Promise.resolve(), {
  description: "admission of the call",
});

/**
 * Starts the decision. The returned promise is handled even where nobody awaits it, which happens
 * when the caller goes away first.
 */
export function startAdmission(
  admit: Admit,
  call: IncomingCall,
  mapError: (error: unknown) => ConnectError,
): Promise<void> {
  const admission = (async () => {
    try {
      await admit(call);
    } catch (error) {
      throw mapError(error);
    }
  })();
  admission.catch(() => {});
  return admission;
}

/** The body of a call that was let in; of a refused one not a byte. */
export async function* admittedBody(
  body: AsyncIterable<Uint8Array>,
  admission: Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  await admission;
  yield* body;
}

/** Keeps handlers of client and bidirectional streams from starting before the decision. */
export const admissionInterceptor: Interceptor = (next) => async (request) => {
  await request.contextValues.get(admissionKey);
  return await next(request);
};
