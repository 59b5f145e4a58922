/** The C functions of pact_shim.h as the runtime's foreign function interface wants them. Those whose
 * wait may be long run on a thread of the blocking pool (`nonblocking`); where both are offered the
 * waiting one ends in `_async`. */
export const SYMBOLS = {
  pact_shim_version: { parameters: [], result: "i32" },
  pact_shim_close: { parameters: ["i32"], result: "i32" },
  pact_shim_spawn: { parameters: ["buffer", "u32", "buffer"], result: "i32" },
  pact_shim_pidfd_open: { parameters: ["i32"], result: "i32" },
  pact_shim_pidfd_signal: { parameters: ["i32", "i32"], result: "i32" },
  pact_shim_pidfd_wait: { parameters: ["i32", "buffer"], result: "i32" },
  pact_shim_pidfd_alive: { parameters: ["i32"], result: "i32" },
  pact_shim_reap_orphans: { parameters: ["buffer", "u32", "buffer", "u32"], result: "i32" },
  pact_shim_set_subreaper: { parameters: ["i32"], result: "i32" },
  pact_shim_kill: { parameters: ["i32", "i32"], result: "i32" },
  pact_shim_kill_group: { parameters: ["i32", "i32"], result: "i32" },
  pact_shim_events_open: { parameters: [], result: "i32" },
  pact_shim_wake_open: { parameters: [], result: "i32" },
  pact_shim_events_add: { parameters: ["i32", "i32", "u64", "i32"], result: "i32" },
  pact_shim_events_remove: { parameters: ["i32", "i32"], result: "i32" },
  pact_shim_events_wait: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
    nonblocking: true,
  },
  pact_shim_events_wake: { parameters: ["i32"], result: "i32" },
  pact_shim_child_signal: { parameters: ["i32"], result: "i32" },
  pact_shim_wake_drain: { parameters: ["i32"], result: "i32" },
  pact_shim_inotify_open: { parameters: [], result: "i32" },
  pact_shim_inotify_add: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  pact_shim_inotify_remove: { parameters: ["i32", "i32"], result: "i32" },
  pact_shim_inotify_read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  pact_shim_read_file: { parameters: ["buffer", "i32", "buffer", "u64"], result: "i64" },
  pact_shim_write_existing: { parameters: ["buffer", "buffer", "u64", "i32"], result: "i32" },
  pact_shim_write_atomic: {
    parameters: ["buffer", "buffer", "u64", "u32", "u32", "u32"],
    result: "i32",
  },
  pact_shim_write_atomic_async: {
    name: "pact_shim_write_atomic",
    parameters: ["buffer", "buffer", "u64", "u32", "u32", "u32"],
    result: "i32",
    nonblocking: true,
  },
  pact_shim_stat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  pact_shim_unlink: { parameters: ["buffer"], result: "i32" },
  pact_shim_rmdir: { parameters: ["buffer"], result: "i32" },
  pact_shim_rename: { parameters: ["buffer", "buffer"], result: "i32" },
  pact_shim_mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  pact_shim_symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  pact_shim_readlink: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  pact_shim_chmod: { parameters: ["buffer", "u32"], result: "i32" },
  pact_shim_chown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  pact_shim_list_directory: { parameters: ["buffer", "buffer", "u64"], result: "i64" },
  pact_shim_append_open: { parameters: ["buffer", "u32"], result: "i32" },
  pact_shim_fifo_open: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  pact_shim_append: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  pact_shim_append_async: {
    name: "pact_shim_append",
    parameters: ["i32", "buffer", "u64"],
    result: "i64",
    nonblocking: true,
  },
  pact_shim_mount: {
    parameters: ["buffer", "buffer", "buffer", "u64", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  pact_shim_umount: { parameters: ["buffer", "i32"], result: "i32", nonblocking: true },
  pact_shim_statfs: { parameters: ["buffer", "buffer"], result: "i32", nonblocking: true },
  pact_shim_set_hostname: { parameters: ["buffer"], result: "i32" },
  pact_shim_uname: { parameters: ["buffer", "u32"], result: "i32" },
  pact_shim_ids: { parameters: ["buffer"], result: "i32" },
  pact_shim_boot_time_ms: { parameters: [], result: "i64" },
  pact_shim_reboot: { parameters: ["i32", "u32"], result: "i32", nonblocking: true },
  pact_shim_user: {
    parameters: ["buffer", "buffer", "buffer", "u32"],
    result: "i32",
    nonblocking: true,
  },
  pact_shim_group: { parameters: ["buffer", "buffer"], result: "i32", nonblocking: true },
  pact_shim_groups_of: {
    parameters: ["buffer", "u32", "buffer", "u32"],
    result: "i32",
    nonblocking: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The loaded functions. */
export type Library = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The ABI this program speaks (PACT_SHIM_VERSION). */
export const SHIM_VERSION = 1;
