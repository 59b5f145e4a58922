import { create, toBinary } from "@bufbuild/protobuf";
import { shell } from "../../api/mod.ts";
import { type Clock, systemClock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";

/** How long a caller may take to say what it wants (SHL-1). */
const OPEN_LIMIT_MS = 10_000;
/** Most that is typed in one message to the core, which takes messages of at most 64 KiB. */
const PIECE_BYTES = 32 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * The message that opens a shell; whether it is in order is the core's to say.
 *
 * @throws {PactError} INVALID_ARGUMENT when none comes within 10 s, or none that can be read (SHL-1).
 */
export async function firstMessage(
  messages: AsyncIterator<shell.ShellInput>,
  clock: Clock = systemClock,
): Promise<shell.ShellInput> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const late = () =>
    reject(new PactError("INVALID_ARGUMENT", "the first message must be open, within 10 seconds"));
  const timer = clock.setTimer(OPEN_LIMIT_MS, late);
  try {
    const first = await Promise.race([next(messages), tooLate]);
    if (first.done !== true) return first.value;
    throw new PactError("INVALID_ARGUMENT", "the first message must be open");
  } finally {
    clock.clearTimer(timer);
  }
}

/** What cannot be read is its sender's fault, and none of this node's. */
async function next(
  messages: AsyncIterator<shell.ShellInput>,
): Promise<IteratorResult<shell.ShellInput>> {
  try {
    return await messages.next();
  } catch {
    throw new PactError("INVALID_ARGUMENT", "the first message could not be read");
  }
}

/**
 * What a caller says to its shell, encoded, in pieces that the core takes.
 *
 * @throws {PactError} INVALID_ARGUMENT for a message of more than 64 KiB that is not typed text.
 */
export async function* shellInput(
  messages: AsyncIterable<shell.ShellInput>,
): AsyncGenerator<Uint8Array> {
  for await (const message of messages) {
    if (message.input.case !== "stdin") {
      yield encoded(message);
      continue;
    }
    const { value } = message.input;
    for (let at = 0; at < value.length; at += PIECE_BYTES) {
      const piece = value.subarray(at, at + PIECE_BYTES);
      yield encoded(
        create(shell.ShellInputSchema, { input: { case: "stdin", value: piece } }),
      );
    }
  }
}

function encoded(message: shell.ShellInput): Uint8Array {
  const bytes = toBinary(shell.ShellInputSchema, message, { writeUnknownFields: false });
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
  throw new PactError("INVALID_ARGUMENT", `a message of at most ${MAX_MESSAGE_BYTES} bytes`);
}
