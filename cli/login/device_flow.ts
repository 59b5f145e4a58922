import { EXIT, Failure } from "../failure/mod.ts";
import { type Grant, grantOf } from "../oauth/mod.ts";
import type { Conversation } from "./conversation.ts";

/**
 * Logs in by a code that the person types into a browser anywhere (RFC 8628, CLI-27). The library
 * keeps the pace that the provider asks for.
 *
 * @throws {Failure} exit 2 when the code has expired; what the library throws otherwise.
 */
export async function deviceFlow(talk: Conversation): Promise<Grant> {
  const { client: { library, configuration }, out, scopes, host, signal } = talk;
  const offer = await library.initiateDeviceAuthorization(configuration, {
    scope: scopes.join(" "),
  });
  const { verification_uri, verification_uri_complete, user_code, expires_in } = offer;
  await out.note(`To log in, go to ${verification_uri} and enter the code ${user_code}`);
  if (verification_uri_complete !== undefined) {
    await out.note(`or go to ${verification_uri_complete}`);
  }
  const late = new AbortController();
  const timer = host.clock.setTimer(expires_in * 1000, () => late.abort());
  try {
    return grantOf(
      await library.pollDeviceAuthorizationGrant(configuration, offer, undefined, {
        signal: AbortSignal.any([signal, late.signal]),
      }),
    );
  } catch (error) {
    const isOver = error instanceof library.ResponseBodyError && error.error === "expired_token";
    if (isOver || late.signal.aborted) {
      throw new Failure(
        "UNAUTHENTICATED",
        "device code expired — run pact login again",
        EXIT.refused,
        [],
        error,
      );
    }
    throw error;
  } finally {
    host.clock.clearTimer(timer);
  }
}
