import type { Interceptor } from "@connectrpc/connect";
import { headerText, metadata } from "./metadata.ts";

/** A token, or a way to get the current one; undefined sends none. */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>);

/** Sends the caller's token and its name and version with every call (API-2). */
export function callerInterceptor(
  { token, clientName }: { token?: TokenSource; clientName?: string },
): Interceptor {
  return (next) => async (request) => {
    const current = typeof token === "function" ? await token() : token;
    if (current !== undefined) request.header.set(metadata.authorization, `Bearer ${current}`);
    if (clientName !== undefined) request.header.set(metadata.client, headerText(clientName));
    return await next(request);
  };
}
