/** Where in a configuration source something is wrong; lines and columns count from 1. */
export interface ConfigPosition {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/**
 * A configuration that cannot be used. Its message begins with the place (`FILE:LINE:COLUMN`, a
 * flag or a variable) and says what to do; executables print it and exit 1.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(message: string, readonly position?: ConfigPosition) {
    super(position === undefined ? message : `${positionText(position)}: ${message}`);
  }
}

/** `FILE:LINE:COLUMN` with the parts that are known. */
export function positionText(position: ConfigPosition): string {
  const { file, line, column } = position;
  if (line === undefined) return file;
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
}
