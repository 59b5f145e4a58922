import { AuditSinkError, systemPrincipal } from "../../contracts/mod.ts";
import type { CallNode } from "../calls/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import type { agentport } from "../../api/mod.ts";
import { auditOf, type EventContext, principalOf } from "./events.ts";

/** Longest wait for a record to be durable. */
const FLUSH_LIMIT_MS = 5_000;

/** How calls put on record what people do, or are about to do (NAU-1, AUD-5, AS-6). */
export function callRecords(
  context: () => EventContext,
): Pick<CallNode, "audit" | "auditFirst"> {
  return {
    audit: (action, author, detail) => auditOf(context(), action, detail, principalOf(author)),
    auditFirst: async (action, author, detail) => {
      const { audit, writer, log } = context();
      // The journal has to hear of it, too, now or when contact is back (PRT-7).
      if (writer.isFull) throw new RefusedError("RESOURCE_EXHAUSTED", "local audit log full");
      auditOf(context(), action, detail, principalOf(author));
      try {
        await audit.flush(FLUSH_LIMIT_MS);
      } catch (error) {
        if (!(error instanceof AuditSinkError)) throw error;
        log.error("refused what could not be put on record", { error: error.message });
        // The first record still waits to be written: this one behind it says what came of it.
        const refused = `audit unavailable, not done: ${detail}`;
        auditOf(context(), action, refused, principalOf(author), "Failure");
        throw new RefusedError("PRECONDITION", "audit unavailable");
      }
    },
  };
}

/** Puts on record that a caller was denied what it asked for, with all the roles it has. */
export function deniedCall(
  context: EventContext,
  { principal, principalType, roles }: agentport.Caller,
  detail: string,
): void {
  const denied = principalOf({ principal, principalType, role: roles.join(",") });
  auditOf(context, "auth.denied", detail, denied, "Denied");
}

/** Puts on record that somebody came without a credential that counts (AUD-2). */
export function recordRefusal(
  context: EventContext,
  { source, method, code, reason, count }: agentport.CallerRefused,
): void {
  const often = count > 1 ? ` (${count} times)` : "";
  const detail = `${method} from ${source}: ${code}: ${reason}${often}`;
  auditOf(context, "auth.denied", detail, systemPrincipal("pact-agent"), "Denied");
}
