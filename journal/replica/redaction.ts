import { redact } from "../../common/log/mod.ts";
import type { AuditNote, Command } from "../state/mod.ts";

/**
 * What is put on record, without its secrets (AUT-13). Every record passes here on its way into the
 * log, whoever made it: what is once in the log cannot be taken out again.
 */
export function redactNote<Note extends Pick<AuditNote, "detail" | "metadata">>(note: Note): Note {
  return hasSecrets(note)
    ? {
      ...note,
      detail: redact(note.detail),
      metadata: Object.fromEntries(
        Object.entries(note.metadata).map(([key, text]) => [key, redact(text)]),
      ),
    }
    : note;
}

/** Few have any, so most are kept as they are. */
function hasSecrets({ detail, metadata }: Pick<AuditNote, "detail" | "metadata">): boolean {
  if (redact(detail) !== detail) return true;
  for (const key in metadata) {
    const text = metadata[key] ?? "";
    if (redact(text) !== text) return true;
  }
  return false;
}

/** A command without the secrets of the audit record it carries, if it carries one. */
export function redactCommand(command: Command): Command {
  if (command.type !== "RecordOperation") return command;
  return { ...command, operation: redactNote(command.operation) };
}
