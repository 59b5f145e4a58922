import { object } from "@optique/core/constructs";
import { EXIT } from "../failure/mod.ts";
import { dateTimeText, durationText, printable } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { withAction } from "./parsing.ts";

/** `pact whoami` (CLI-39): what the token says; nothing is asked of a server. */
export const whoamiCommand = withAction(
  object({}),
  () => action(whoami),
);

async function whoami({ session, host, out }: CommandContext): Promise<number> {
  const { claims, login } = await session.token();
  const [first = ""] = await session.journalEndpoints();
  const server = login?.server ?? first;
  if (claims === undefined) {
    await out.result(
      ["Principal: (opaque token, only the server can tell)", `Server: ${server}`],
      { principal: null, principal_type: null, roles: [], server, expires_at: null },
    );
    return EXIT.ok;
  }
  const { principal, principalType, roles, expiresAtMs } = claims;
  const expires = expiresAtMs === undefined
    ? "never"
    : `${dateTimeText(expiresAtMs)} UTC (in ${
      durationText((expiresAtMs - host.clock.nowMs()) / 1000)
    })`;
  await out.result([
    `Principal: ${printable(principal)}`,
    `Type: ${printable(principalType)}`,
    `Roles: ${roles.map(printable).join(", ") || "(none)"}`,
    `Server: ${server}`,
    `Expires: ${expires}`,
  ], {
    principal,
    principal_type: principalType,
    roles: [...roles],
    server,
    expires_at: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
  });
  return EXIT.ok;
}
