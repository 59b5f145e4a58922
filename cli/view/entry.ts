import { z } from "zod";
import type { Entry, EntryType, Scope } from "../../common/model/mod.ts";
import { dateTimeText, durationText, printable } from "../output/mod.ts";

/** How a log line names each type of entry (CLI-52). */
const TYPE_WORDS: Readonly<Record<EntryType, string>> = {
  Commit: "COMMIT",
  Rollback: "ROLLBACK",
  AutoConverge: "AUTO_CONVERGE",
  DriftDetected: "DRIFT_DETECTED",
  CapabilityChange: "CAP_CHANGE",
  PolicyUpdate: "POLICY_UPDATE",
  BootConfig: "BOOT_CONFIG",
  EmergencyStart: "EMERGENCY_ON",
  EmergencyEnd: "EMERGENCY_OFF",
  ExecLog: "EXEC",
  ShellSession: "SHELL",
  ServiceLifecycle: "SERVICE",
  PendingApproval: "APPROVAL",
  NodeEnrolled: "NODE_ENROLLED",
  NodeActivated: "NODE_ACTIVATED",
  NodeDeactivated: "NODE_DEACTIVATED",
  NodeDecommissioned: "NODE_DECOMMISSIONED",
  NodeAssigned: "NODE_ASSIGNED",
  NodeUnassigned: "NODE_UNASSIGNED",
  CertSigned: "CERT_SIGNED",
  CertRevoked: "CERT_REVOKED",
  MergeConflict: "MERGE_CONFLICT",
  BlacklistUpdate: "BLACKLIST",
  LockSet: "LOCK",
  LockReleased: "UNLOCK",
};

const SEQUENCE_WIDTH = 5;
const TYPE_WIDTH = 16;
const SCOPE_WIDTH = 12;

/** The word of a log line for a type. */
export function typeWord(type: EntryType): string {
  return TYPE_WORDS[type];
}

/** The entry type of a word, in any case, as log lines or documents spell it. */
export function parseTypeWord(text: string): EntryType | undefined {
  const wanted = text.toUpperCase().replaceAll("-", "_");
  const types = Object.entries(TYPE_WORDS) as [EntryType, string][];
  return types.find(([type, word]) =>
    word === wanted || type.toUpperCase() === wanted.replaceAll("_", "")
  )?.[0];
}

/** Every word `--type` takes. */
export function typeWords(): string[] {
  return Object.values(TYPE_WORDS);
}

/** `global`, `vc:X` or `node:X`. */
export function scopeText(scope: Scope): string {
  if (scope === "Global") return "global";
  return "VCluster" in scope ? `vc:${printable(scope.VCluster)}` : `node:${printable(scope.Node)}`;
}

/** What an agent records of one remote command. */
const ExecRecordSchema = z.object({
  command: z.string(),
  args: z.union([z.string(), z.array(z.string())]).default(""),
  exit_code: z.number().int().optional(),
  error: z.string().default(""),
});

/** The message for a person: of a remote command its words and how it ended, else as it is. */
function messageText({ entry_type, message = "" }: Entry): string {
  const record = entry_type === "ExecLog" ? execRecord(message) : undefined;
  if (record === undefined) return printable(message);
  const { command, args, exit_code, error } = record;
  const words = [command, ...(typeof args === "string" ? [args] : args)].filter(Boolean).join(" ");
  return printable(error === "" ? `${words} (exit ${exit_code ?? "?"})` : `${words} (${error})`);
}

function execRecord(message: string): z.infer<typeof ExecRecordSchema> | undefined {
  try {
    return ExecRecordSchema.safeParse(JSON.parse(message)).data;
  } catch {
    return undefined;
  }
}

/** One line of `pact log` (CLI-52). */
export function entryLine(entry: Entry): string {
  const extras = [
    entry.message && `[${messageText(entry)}]`,
    entry.emergency_reason && `[reason: ${printable(entry.emergency_reason)}]`,
    entry.policy_ref && `[policy: ${printable(entry.policy_ref)}]`,
    entry.ttl_seconds ? `[ttl: ${durationText(entry.ttl_seconds)}]` : undefined,
  ].filter(Boolean);
  const sequence = `#${String(entry.sequence).padEnd(SEQUENCE_WIDTH)}`;
  const type = typeWord(entry.entry_type).padEnd(TYPE_WIDTH);
  const scope = scopeText(entry.scope).padEnd(SCOPE_WIDTH);
  const time = dateTimeText(Date.parse(entry.timestamp));
  const author = printable(entry.author.principal);
  const tail = extras.length === 0 ? "" : `  ${extras.join(" ")}`;
  return `${sequence} ${time} ${type} ${scope} by ${author}${tail}`;
}
