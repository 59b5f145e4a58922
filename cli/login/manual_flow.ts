import { usageFailure } from "../failure/mod.ts";
import type { Grant } from "../oauth/mod.ts";
import { REDIRECT_URI } from "./callback.ts";
import { exchange } from "./code_flow.ts";
import { codeRequest } from "./code_request.ts";
import type { Conversation } from "./conversation.ts";

/**
 * Logs in by a browser somewhere else: the person brings back the code, or the whole address that the
 * browser ended at, where nothing listens (CLI-28).
 */
export async function manualFlow(talk: Conversation): Promise<Grant> {
  const request = await codeRequest(talk.client, talk.scopes, talk.host);
  for (
    const line of [
      "In any browser, go to:",
      `  ${request.url.href}`,
      `It ends at an address that begins with ${REDIRECT_URI} and may not load.`,
      "Paste that address, or the code in it:",
    ]
  ) await talk.out.note(line);
  const pasted = (await talk.host.stdin.readLine())?.trim() ?? "";
  if (pasted === "") throw usageFailure("no code was given");
  return await exchange(talk, request, answerOf(pasted, request.state, talk.metadata.issuer));
}

/** The provider's answer in what a person pasted; a bare code stands for the answer that holds it. */
export function answerOf(pasted: string, state: string, issuer: string): URL {
  const answer = new URL(REDIRECT_URI);
  if (/^https?:\/\//i.test(pasted)) {
    if (!URL.canParse(pasted)) throw usageFailure("that is no address");
    answer.search = new URL(pasted).search;
    return answer;
  }
  if (!/^[\x21-\x7e]+$/.test(pasted)) throw usageFailure("that is no code");
  answer.searchParams.set("code", pasted);
  answer.searchParams.set("state", state);
  answer.searchParams.set("iss", issuer);
  return answer;
}
