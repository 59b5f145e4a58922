import { create } from "@bufbuild/protobuf";
import { shell } from "../../api/mod.ts";
import type { Keyboard, WindowSize } from "../host/mod.ts";

/*
 * Shell: what a session is sent. It owns the listener for the terminal's size, and ends by `close`, at
 * the end of what is typed, or with the call.
 */

/** What is typed, and the sizes of the terminal, as messages to a shell: no faster than it takes them. */
export class ShellInput {
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<undefined>();
  #resized = Promise.withResolvers<void>();
  #isResized = false;
  #isClosed = false;
  readonly #stopListening: () => void;

  constructor(private readonly keyboard: Keyboard, private readonly term: string) {
    this.#stopListening = keyboard.onResize(() => {
      this.#isResized = true;
      this.#resized.resolve();
    });
  }

  /** The session is open: what is typed is passed on from now on. */
  open(): void {
    this.#opened.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    this.#closed.resolve(undefined);
    this.#opened.resolve();
    this.#resized.resolve();
  }

  /** To be iterated once. */
  async *messages(): AsyncGenerator<shell.ShellInput> {
    const { rows = 0, columns = 0 } = clamped(this.keyboard.size());
    yield message({ case: "open", value: { rows, cols: columns, term: this.term } });
    await this.#opened.promise;
    let typed: Promise<Uint8Array | undefined> | undefined;
    while (!this.#isClosed) {
      if (this.#isResized) {
        yield* this.#resize();
        continue;
      }
      typed ??= Promise.race([this.keyboard.read(), this.#closed.promise]);
      const first = await Promise.race([
        typed,
        this.#resized.promise.then(() => "resized" as const),
      ]);
      if (first === "resized") continue;
      if (first === undefined) return;
      typed = undefined;
      yield message({ case: "stdin", value: new Uint8Array(first) });
    }
  }

  *#resize(): Generator<shell.ShellInput> {
    this.#isResized = false;
    this.#resized = Promise.withResolvers<void>();
    const { rows, columns } = clamped(this.keyboard.size());
    if (rows === undefined || columns === undefined) return;
    yield message({ case: "resize", value: { rows, cols: columns } });
  }
}

/** The largest terminal that a shell is given (SHL-1). */
const MAX_SIDE = 500;

function clamped(size: WindowSize | undefined): Partial<WindowSize> {
  if (size === undefined) return {};
  return { rows: Math.min(size.rows, MAX_SIDE), columns: Math.min(size.columns, MAX_SIDE) };
}

type Input = NonNullable<Parameters<typeof create<typeof shell.ShellInputSchema>>[1]>["input"];

function message(input: Input): shell.ShellInput {
  return create(shell.ShellInputSchema, input === undefined ? {} : { input });
}
