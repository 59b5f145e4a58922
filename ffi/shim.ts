import { dirname } from "node:path";
import { type EventPump, startEventPump, type Watch } from "./events.ts";
import { createFiles, type Files } from "./files.ts";
import { type Fanotify, openFanotify, type ProcessFileEvent } from "./fanotify.ts";
import { type FileWrite, type FileWrites, openFileWrites } from "./file_writes.ts";
import { type FileEvent, type Inotify, openInotify } from "./inotify.ts";
import { assertProductionFile, distrustOf, ShimLoadError } from "./library_file.ts";
import { type LoadedLibrary, ownLibrary } from "./loaded_library.ts";
import { createMounts, type Mounts } from "./mounts.ts";
import { createModules, type Modules } from "./modules.ts";
import { createNetwork, type Network } from "./network.ts";
import {
  type NotifyMessage,
  type NotifySocket,
  type NotifySocketOptions,
  openNotifySocket,
  sendNotification,
} from "./notify.ts";
import { createProcesses, type Processes } from "./processes.ts";
import { type ProcessNews, watchMounts, watchProcesses } from "./kernel_news.ts";
import { SHIM_VERSION } from "./symbols.ts";
import { createSystem, type System } from "./system.ts";
import { openTerminal, type Terminal, type TerminalSize } from "./terminal.ts";
import { createUnixSockets, type UnixSockets } from "./unix_sockets.ts";
import { createUsers, type Users } from "./users.ts";

/*
 * Shell: owns the loaded library. This is the only file that calls Deno.dlopen. Ends by `close`, after
 * every pump, inotify and process made from it was closed.
 */

/** Everything the agent asks of the kernel beyond its runtime. One per process. */
export interface Shim {
  readonly path: string;
  readonly version: number;
  readonly processes: Processes;
  readonly files: Files;
  readonly mounts: Mounts;
  readonly network: Network;
  readonly modules: Modules;
  readonly sockets: UnixSockets;
  readonly system: System;
  readonly users: Users;
  /** Starts the event pump. An error thrown by a handler goes to `onHandlerError` (reported as
   * uncaught unless given) and the pump goes on. Hold one per process: it keeps one of the runtime's
   * 32 blocking threads. */
  startEvents(options?: { onHandlerError?: (error: unknown) => void }): EventPump;
  /** Opens a socket for the notifications of programs (sd_notify(3)). Throws EEXIST for a path at
   * which there is something else than a socket. */
  openNotifySocket(
    pump: EventPump,
    options: NotifySocketOptions,
    onMessage: (message: NotifyMessage) => void,
  ): NotifySocket;
  /** Sends a notification, as a service does to the socket that NOTIFY_SOCKET names. */
  sendNotification(path: string, text: string): void;
  /** Opens an inotify instance on a pump. */
  openInotify(pump: EventPump, onEvent: (event: FileEvent) => void): Inotify;
  /** Opens a fanotify group on a pump. Throws EPERM without CAP_SYS_ADMIN. */
  openFanotify(pump: EventPump, onEvent: (event: ProcessFileEvent) => void): Fanotify;
  /** Opens a fanotify group for writes alone, which every file system can do. Throws EPERM without
   * CAP_SYS_ADMIN. */
  openFileWrites(pump: EventPump, onWrite: (write: FileWrite) => void): FileWrites;
  /** Hears of every new process and program, by the proc connector, until closed. Throws EPERM without
   * CAP_NET_ADMIN; outside of the first PID namespace nothing is ever told. */
  watchProcesses(pump: EventPump, onNews: (news: ProcessNews) => void): Watch;
  /** Hears of every change of what is mounted, several of them as one, until closed. */
  watchMounts(pump: EventPump, onChange: () => void): Watch;
  /** Opens a terminal for a program to be started in. */
  openTerminal(pump: EventPump, size: TerminalSize): Terminal;
  /** Whatever is asked of this shim and what was made from it afterwards throws ShimClosedError. */
  close(): void;
}

/** `production` loads only what nobody but root can change, and permits `system.reboot`. */
export type ShimMode = "development" | "production";

/** Where the build puts the library of a working copy, and the installed system's. */
export const DEVELOPMENT_LIBRARY = ".cache/ffi/libpact_shim.so";
export const PRODUCTION_LIBRARY = "/usr/lib/pact/libpact_shim.so";

function load<Symbols extends Deno.ForeignLibraryInterface>(
  path: string,
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols> {
  try {
    return Deno.dlopen(path, symbols);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new ShimLoadError(path, `permission missing, start with --allow-ffi=${path}`);
    }
    throw new ShimLoadError(path, error instanceof Error ? error.message : String(error));
  }
}

/** Asks the library for its version before relying on any other function of it. */
function assertVersion(path: string, { symbols }: LoadedLibrary): void {
  const version = symbols.pact_shim_version();
  if (version !== SHIM_VERSION) {
    const advice = "rebuild it with `deno task build:ffi`";
    const reason = `it speaks version ${version}, this program version ${SHIM_VERSION}; ${advice}`;
    throw new ShimLoadError(path, reason);
  }
}

/** The directories above the library's own, seen through the library itself: reading them by the
 * runtime would need permission for the whole tree. */
function assertAncestors(path: string, files: Files): void {
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const above = dirname(at);
    const found = files.lstat(above);
    if (found.type === "symlink") throw new ShimLoadError(path, `${above} is a symlink`);
    const distrust = distrustOf(above, found);
    if (distrust !== null) throw new ShimLoadError(path, distrust);
  }
}

/**
 * Loads the shim. Needs `--allow-ffi=PATH`, in production also permission to read the directory it
 * lies in. Throws ShimLoadError with the reason: missing, wrong version, or in production changeable by
 * others than root, not absolute, or a symlink.
 */
export function openShim(options: { path?: string; mode: ShimMode }): Shim {
  const production = options.mode === "production";
  const path = options.path ?? (production ? PRODUCTION_LIBRARY : DEVELOPMENT_LIBRARY);
  if (production) assertProductionFile(path);
  const library = ownLibrary((functions) => load(path, functions));
  const { symbols } = library;
  const files = createFiles(symbols);
  try {
    assertVersion(path, library);
    if (production) assertAncestors(path, files);
  } catch (error) {
    library.close();
    throw error;
  }
  return {
    path,
    version: SHIM_VERSION,
    processes: createProcesses(symbols),
    files,
    mounts: createMounts(symbols),
    network: createNetwork(symbols),
    modules: createModules(symbols),
    sockets: createUnixSockets(symbols),
    system: createSystem(symbols, production),
    users: createUsers(symbols),
    startEvents: ({ onHandlerError } = {}) =>
      startEventPump(symbols, onHandlerError ?? reportError),
    openNotifySocket: (pump, options, onMessage) =>
      openNotifySocket(symbols, pump, options, onMessage),
    sendNotification: (path, text) => sendNotification(symbols, path, text),
    openInotify: (pump, onEvent) => openInotify(symbols, pump, onEvent),
    openFanotify: (pump, onEvent) => openFanotify(symbols, pump, onEvent),
    openFileWrites: (pump, onWrite) => openFileWrites(symbols, pump, onWrite),
    watchProcesses: (pump, onNews) => watchProcesses(symbols, pump, onNews),
    watchMounts: (pump, onChange) => watchMounts(symbols, pump, onChange),
    openTerminal: (pump, size) => openTerminal(symbols, pump, size),
    close: () => library.close(),
  };
}
