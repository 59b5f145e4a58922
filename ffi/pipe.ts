import { Socket } from "node:net";

/*
 * Shell: owns the descriptor it adopts. Ends when the writer closed its end and all was read, when the
 * reader stops iterating, or by `close`; then the descriptor is closed.
 */

/** The reading end of a pipe: its chunks in order, each at most the chunk bound. Not reading stops the
 * writer once the pipe is full (back-pressure). Iterate at most once. */
export interface PipeReader extends AsyncIterable<Uint8Array> {
  /** Stops reading and closes the descriptor; an iteration under way ends. Repeatable. */
  close(): void;
}

async function* chunksOf(
  socket: Socket,
  chunkMaxBytes: number,
  isClosed: () => boolean,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const data of socket) {
      const bytes: unknown = data;
      if (!(bytes instanceof Uint8Array)) {
        throw new TypeError("a pipe delivered something else than bytes");
      }
      for (let at = 0; at < bytes.byteLength; at += chunkMaxBytes) {
        yield bytes.subarray(at, at + chunkMaxBytes);
      }
    }
  } catch (error) {
    // Closing ends the iteration; it is not an error of the pipe.
    if (!isClosed()) throw error;
  } finally {
    socket.destroy();
  }
}

/** Adopts a pipe's reading end without occupying a thread of the blocking pool. The descriptor now
 * belongs to the reader. */
export function readPipe(fd: number, options: { chunkMaxBytes?: number } = {}): PipeReader {
  const socket = new Socket({ fd, readable: true, writable: false });
  let closed = false;
  const chunks = chunksOf(socket, options.chunkMaxBytes ?? 64 * 1024, () => closed);
  // An error between two reads surfaces at the next one; without a listener it would end the process.
  socket.on("error", () => {});
  return {
    [Symbol.asyncIterator]: () => chunks,
    close: () => {
      closed = true;
      socket.destroy();
    },
  };
}
