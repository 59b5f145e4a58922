import { EXIT, Failure } from "../failure/mod.ts";
import { type Grant, grantOf } from "../oauth/mod.ts";
import { listenForCallback } from "./callback.ts";
import { type CodeRequest, codeRequest } from "./code_request.ts";
import type { Conversation } from "./conversation.ts";

/** How long a person may take in the browser (CLI-26). */
const WAIT_MS = 120_000;

/**
 * Logs in by the browser: the provider sends it back to a listener here with a code, which is worth
 * tokens to nobody but this process (authorization code with PKCE, CLI-26).
 *
 * @throws {Failure} when the port is taken or no answer comes; what the library throws otherwise.
 */
export async function codeFlow(talk: Conversation, opensBrowser: boolean): Promise<Grant> {
  const request = await codeRequest(talk.client, talk.scopes, talk.host);
  await using listener = listenForCallback(request.state, talk.host.clock);
  const isOpened = opensBrowser && talk.host.openBrowser(request.url.href);
  await talk.out.note(isOpened ? "If no browser opens, go to:" : "To log in, go to:");
  await talk.out.note(`  ${request.url.href}`);
  const answer = await withinTime(listener.answer, talk);
  return await exchange(talk, request, answer);
}

/** Exchanges the code in the provider's answer for tokens. */
export async function exchange(
  { client: { library, configuration } }: Conversation,
  { state, nonce, verifier }: CodeRequest,
  answer: URL,
): Promise<Grant> {
  return grantOf(
    await library.authorizationCodeGrant(configuration, answer, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    }),
  );
}

async function withinTime(answer: Promise<URL>, { host, signal }: Conversation): Promise<URL> {
  const late = Promise.withResolvers<never>();
  const timer = host.clock.setTimer(WAIT_MS, () =>
    late.reject(
      new Failure(
        "DEADLINE",
        "no callback received — try `pact login --device-code`",
        EXIT.unreachable,
        [],
      ),
    ));
  const interrupt = () =>
    late.reject(new Failure("INTERRUPTED", "interrupted", EXIT.interrupted, []));
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    host.clock.clearTimer(timer);
    signal.removeEventListener("abort", interrupt);
  }
}
