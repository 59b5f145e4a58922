import type { EventPump } from "./events.ts";
import { cText } from "./memory.ts";
import { check, isErrno } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: listeners and connections own one descriptor and its watch in an event pump each. They end by
 * `close`.
 */

/** Who is at the other end, as the kernel knows it (SO_PEERCRED). */
export interface UnixPeer {
  /** 0 when it lies outside of this PID namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a connection tells; nothing comes after `onEnd`. */
export interface UnixConnectionEvents {
  onData(bytes: Uint8Array): void;
  /** The peer closed, or the connection broke; it still has to be closed here. */
  onEnd(): void;
}

/** A stream to one peer. */
export interface UnixConnection {
  readonly peer: UnixPeer;
  /** Begins to read. Call it once. */
  start(events: UnixConnectionEvents): void;
  /** Sends bytes as a whole, descriptors on the first of them; those stay open here. False when the
   * peer does not read or is gone: what was sent may then have been cut, so close the connection. */
  send(bytes: Uint8Array, descriptors?: readonly number[]): boolean;
  /** Tells the peer that nothing more comes. Closing at once could take from it what was sent last,
   * where it has sent something that was not read. */
  finish(): void;
  /** Repeatable. */
  close(): void;
}

/** Stream sockets of the file system. */
export interface UnixSockets {
  /** Listens with exactly this mode; EADDRINUSE when the path is taken. The file stays when the
   * listener closes. */
  listen(
    path: string,
    options: { mode: number; backlog?: number },
    pump: EventPump,
    onConnection: (connection: UnixConnection) => void,
  ): { close(): void };
  /** Whether somebody listens at a path: false for a file that a dead process left (PATH-22). */
  isAlive(path: string): boolean;
  /** Two connected ends, both the caller's to close: ours to be read (`readPipe`), a program's to be
   * written. Nobody can read in our place, as from a pipe by its file in /proc. */
  openPair(): { readonly ours: number; readonly programs: number };
  /** Opens a namespace's file, of /proc or bound somewhere; the descriptor is the caller's to close
   * with `files.closeDescriptor`. EINVAL for what is no namespace. */
  openNamespace(path: string): number;
}

const DEFAULT_BACKLOG = 16;
const BUFFER_BYTES = 16_384;
/** Connections taken, and reads done, per wake-up; the level-triggered pump calls again. */
const TURNS = 16;

/** The local sockets of one loaded shim. */
export function createUnixSockets(library: Library): UnixSockets {
  function openPair() {
    const programEnd = new Int32Array(1);
    const ours = check(library.pact_shim_unix_pair(programEnd), "socketpair");
    const [programs = -1] = programEnd;
    return { ours, programs };
  }

  function listen(
    path: string,
    { mode, backlog = DEFAULT_BACKLOG }: { mode: number; backlog?: number },
    pump: EventPump,
    onConnection: (connection: UnixConnection) => void,
  ): { close(): void } {
    const cPath = cText(path, "bind");
    const fd = check(library.pact_shim_unix_listen(cPath, mode, backlog), "bind", path);
    let isOpen = true;
    const watch = pump.watch(fd, () => {
      for (let turn = 0; turn < TURNS && isOpen; turn++) {
        const peer = new Int32Array(3);
        const client = library.pact_shim_unix_accept(fd, peer);
        if (isErrno(client, "EAGAIN", "ECONNABORTED", "EMFILE", "ENFILE")) return;
        onConnection(new Connection(library, pump, check(client, "accept", path), peerOf(peer)));
      }
    });
    return {
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        watch.close();
        library.pact_shim_close(fd);
      },
    };
  }

  function isAlive(path: string): boolean {
    const fd = library.pact_shim_unix_connect(cText(path, "connect"));
    if (isErrno(fd, "ECONNREFUSED", "ENOENT")) return false;
    // A full queue has an owner too.
    if (isErrno(fd, "EAGAIN")) return true;
    library.pact_shim_close(check(fd, "connect", path));
    return true;
  }

  return {
    listen,
    openPair,
    isAlive,
    openNamespace: (path) =>
      check(library.pact_shim_namespace_open(cText(path, "open")), "open", path),
  };
}

function peerOf(fields: Int32Array<ArrayBuffer>): UnixPeer {
  const [uid = 0, gid = 0] = new Uint32Array(fields.buffer, 4);
  return { pid: fields[0] ?? 0, uid, gid };
}

class Connection implements UnixConnection {
  #watch: { close(): void } | undefined;
  #isOpen = true;

  constructor(
    private readonly library: Library,
    private readonly pump: EventPump,
    private readonly fd: number,
    readonly peer: UnixPeer,
  ) {}

  start(events: UnixConnectionEvents): void {
    const buffer = new Uint8Array(BUFFER_BYTES);
    this.#watch = this.pump.watch(this.fd, () => {
      for (let turn = 0; turn < TURNS && this.#isOpen; turn++) {
        const got = this.library.pact_shim_unix_receive(this.fd, buffer, BUFFER_BYTES);
        if (isErrno(got, "EAGAIN")) return;
        if (got <= 0) {
          // A broken connection stays readable: without this the pump would call for ever.
          this.#watch?.close();
          return events.onEnd();
        }
        events.onData(buffer.slice(0, got));
      }
    });
  }

  send(bytes: Uint8Array, descriptors: readonly number[] = []): boolean {
    if (!this.#isOpen) return false;
    const held = new Uint8Array(bytes);
    const fds = Int32Array.from(descriptors);
    const sent = this.library.pact_shim_unix_send(
      this.fd,
      held,
      held.length,
      fds.length === 0 ? new Int32Array(1) : fds,
      fds.length,
    );
    if (isErrno(sent, "EAGAIN", "EPIPE", "ECONNRESET", "ENOTCONN")) return false;
    return check(sent, "sendmsg") === held.length;
  }

  finish(): void {
    const result = this.library.pact_shim_unix_finish(this.fd);
    if (!isErrno(result, "ENOTCONN")) check(result, "shutdown");
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch?.close();
    this.library.pact_shim_close(this.fd);
  }
}
