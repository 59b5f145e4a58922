import { z } from "zod";

/** Where a listener binds. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Reads `HOST:PORT` or `[IPV6]:PORT`; port 0 takes any free port. */
export const ListenAddressSchema = z.string().transform((text, context): ListenAddress => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (hostname !== undefined && port <= 65_535) return { hostname, port };
  context.addIssue({ code: "custom", message: `'${text}' is not HOST:PORT` });
  return z.NEVER;
});

/** Whether an address can be reached from this machine only. */
export function isLoopback(address: ListenAddress): boolean {
  return address.hostname === "localhost" || address.hostname === "::1" ||
    /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(address.hostname);
}
