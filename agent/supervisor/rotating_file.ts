/*
 * Shell: owns `NAME.log` and its predecessor `NAME.log.1`. Opened by the first write, ended by close.
 * Writes go to the page cache at once, in order, without waiting on another thread.
 */

export interface RotatingFileOptions {
  readonly directory: string;
  readonly name: string;
  /** A file that would grow beyond this is rotated first. */
  readonly maxBytes: number;
  /** All logs of the directory together; rotated ones are removed, oldest first (LGX-2). */
  readonly totalMaxBytes: number;
}

/** A log file in two generations. */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #path: string;
  #file: Deno.FsFile | null = null;
  #bytes = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#path = `${options.directory}/${options.name}.log`;
  }

  write(bytes: Uint8Array): void {
    let file = this.#file ?? this.#open();
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.maxBytes) {
      file = this.#rotate();
    }
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    this.#bytes += bytes.length;
  }

  /** What is kept, oldest first. */
  readAll(): Uint8Array[] {
    return [`${this.#path}.1`, this.#path].map(readIfPresent);
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #open(): Deno.FsFile {
    const file = Deno.openSync(this.#path, { create: true, append: true, mode: 0o640 });
    this.#file = file;
    this.#bytes = file.statSync().size;
    return file;
  }

  #rotate(): Deno.FsFile {
    this.close();
    Deno.renameSync(this.#path, `${this.#path}.1`);
    this.#trimDirectory();
    return this.#open();
  }

  /** Makes room for a whole file more. */
  #trimDirectory(): void {
    const { directory, totalMaxBytes, maxBytes } = this.#options;
    const files = [...Deno.readDirSync(directory)].filter(({ isFile }) => isFile)
      .map(({ name }) => ({ path: `${directory}/${name}`, name }))
      .map((file) => ({ ...file, info: statIfPresent(file.path) }));
    let total = files.reduce((sum, { info }) => sum + (info?.size ?? 0), 0);
    const rotated = files.filter(({ name }) => name.endsWith(".log.1")).sort((a, b) =>
      (a.info?.mtime?.getTime() ?? 0) - (b.info?.mtime?.getTime() ?? 0)
    );
    for (const { path, info } of rotated) {
      if (total + maxBytes <= totalMaxBytes) return;
      Deno.removeSync(path);
      total -= info?.size ?? 0;
    }
  }
}

function readIfPresent(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array(0);
    throw error;
  }
}

function statIfPresent(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
