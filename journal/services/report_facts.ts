import { z } from "zod";
import type { SubmittedEntry } from "../../common/wire/mod.ts";
import type { AuditedChange } from "./audit_note.ts";

/** What an agent's note of a command says of it (EXE-8); `refused` where it was not run. */
const ExecNoteSchema = z.object({
  command: z.string().max(4096),
  args: z.string().max(4096).default(""),
  class: z.string().max(64).default(""),
  refused: z.string().optional(),
});

/** How an agent marks that somebody was denied, for want of a credential or of leave (NAU-1). */
const DENIAL_TAG = /^(?:degraded:)?auth-denied:(authenticate|authorize)$/;

/** What of an audit record an agent's entry says. */
export type ReportFacts =
  & Pick<AuditedChange, "details" | "outcome" | "detail" | "commandClass">
  & Partial<Pick<AuditedChange, "action">>;

/** What people had done on a node, as its agent's entry tells it, for the audit record. */
export function reportFacts(
  { entry_type, message = "", policy_ref = "" }: SubmittedEntry,
): ReportFacts {
  const denied = entry_type === "ShellSession" ? DENIAL_TAG.exec(policy_ref)?.[1] : undefined;
  if (denied !== undefined) return { action: denied, outcome: "Denied", detail: message };
  if (entry_type === "ServiceLifecycle") {
    // "ServiceStart NAME" or "ServiceStart NAME: DETAIL" (SUP-8).
    return { details: { serviceName: /^[A-Za-z]+ ([^\s:]+)/.exec(message)?.[1] } };
  }
  if (entry_type !== "ExecLog") return {};
  const note = ExecNoteSchema.safeParse(documentOf(message));
  if (!note.success) return {};
  const { command, args, refused, class: commandClass } = note.data;
  return {
    details: { command, args: args === "" ? [] : args.split(" ") },
    commandClass,
    ...(refused === undefined ? {} : { outcome: "Denied", detail: refused }),
  };
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
