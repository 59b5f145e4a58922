import { type Grant, grantOf } from "../oauth/mod.ts";
import type { Conversation } from "./conversation.ts";

/** Logs a machine in by its own secret (client credentials, RFC 6749 section 4.4, CLI-29). */
export async function serviceFlow(
  { client: { library, configuration }, scopes }: Conversation,
): Promise<Grant> {
  // There is no person whose identity or absence could be granted.
  const own = scopes.filter((scope) => scope !== "openid" && scope !== "offline_access");
  return grantOf(
    await library.clientCredentialsGrant(
      configuration,
      own.length === 0 ? {} : { scope: own.join(" ") },
    ),
  );
}
