import { decodeSnapshot, type SupervisorSnapshot } from "./snapshot.ts";

/** Replaces the file whole; readable by the agent alone, since specs may carry environment. */
export function saveStateFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  Deno.writeTextFileSync(temporary, text, { mode: 0o600 });
  Deno.renameSync(temporary, path);
}

/**
 * The snapshot of a former agent; null when there is none.
 *
 * @throws {Error} when it cannot be used: to be reported, and gone on without (INI-31)
 */
export function loadStateFile(path: string): SupervisorSnapshot | null {
  try {
    return decodeSnapshot(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
