/** An error that a command returns: it is part of what the command prints. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
