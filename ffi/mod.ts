/**
 * The system calls that pact-agent needs and its runtime lacks, through a small C library.
 *
 * `openShim` loads it; the `Shim` it answers is the only way in. Build the library first:
 * `deno task build:ffi`, or `buildShim` of `ffi/build/mod.ts`.
 *
 * @module
 */
export type { AppendFile } from "./append_file.ts";
export type { DirectoryEntry, EntryType } from "./directory_entry.ts";
export { type Errno, type ErrnoName, errnoNumber, errnoOf, knownErrnos } from "./errno.ts";
export type { EventPump, Watch, WatchOptions } from "./events.ts";
export type { ExitStatus, ReapedProcess } from "./exit_status.ts";
export type { Fanotify, ProcessFileEvent } from "./fanotify.ts";
export type { FileWrite, FileWrites } from "./file_writes.ts";
export type { FileStat } from "./file_stat.ts";
export type { AtomicWrite, Files } from "./files.ts";
export { type FileEvent, IN, type Inotify } from "./inotify.ts";
export type { ProcessNews } from "./kernel_news.ts";
export { ShimLoadError } from "./library_file.ts";
export { ShimClosedError } from "./loaded_library.ts";
export { type FileSystemUsage, type MountRequest, type Mounts, MS, UMOUNT } from "./mounts.ts";
export type { Modules } from "./modules.ts";
export {
  NETLINK_GROUP,
  type NetlinkNews,
  type NetlinkSource,
  type Network,
  type PacketSocket,
  type ReceivedPacket,
} from "./network.ts";
export type { NotifyMessage, NotifySocket, NotifySocketOptions } from "./notify.ts";
export { type PipeReader, readPipe } from "./pipe.ts";
export type { CgroupPlacement, Process, Processes } from "./processes.ts";
export {
  DEVELOPMENT_LIBRARY,
  openShim,
  PRODUCTION_LIBRARY,
  type Shim,
  type ShimMode,
} from "./shim.ts";
export { isShimError, ShimError } from "./shim_error.ts";
export { isSignalName, type SignalName, signalName, signalNumber } from "./signals.ts";
export { SpawnError, type SpawnStep } from "./spawn_error.ts";
export { isRlimitName, type Rlimit, type RlimitName } from "./spawn_request.ts";
export type { Containment, SpawnRequest, Stdio } from "./spawn_request.ts";
export type { Terminal, TerminalSize } from "./terminal.ts";
export type { ProcessIds, RebootAction, System, SystemNames } from "./system.ts";
export type {
  UnixConnection,
  UnixConnectionEvents,
  UnixPeer,
  UnixSockets,
} from "./unix_sockets.ts";
export type { User, Users } from "./users.ts";
