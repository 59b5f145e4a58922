/** Linux errno values: numbers as in asm-generic (x86-64 and arm64), texts as strerror(3) has them. */
const ERRORS = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  ESRCH: [3, "No such process"],
  EINTR: [4, "Interrupted system call"],
  EIO: [5, "Input/output error"],
  ENXIO: [6, "No such device or address"],
  E2BIG: [7, "Argument list too long"],
  ENOEXEC: [8, "Exec format error"],
  EBADF: [9, "Bad file descriptor"],
  ECHILD: [10, "No child processes"],
  EAGAIN: [11, "Resource temporarily unavailable"],
  ENOMEM: [12, "Cannot allocate memory"],
  EACCES: [13, "Permission denied"],
  EFAULT: [14, "Bad address"],
  ENOTBLK: [15, "Block device required"],
  EBUSY: [16, "Device or resource busy"],
  EEXIST: [17, "File exists"],
  EXDEV: [18, "Invalid cross-device link"],
  ENODEV: [19, "No such device"],
  ENOTDIR: [20, "Not a directory"],
  EISDIR: [21, "Is a directory"],
  EINVAL: [22, "Invalid argument"],
  ENFILE: [23, "Too many open files in system"],
  EMFILE: [24, "Too many open files"],
  ENOTTY: [25, "Inappropriate ioctl for device"],
  ETXTBSY: [26, "Text file busy"],
  EFBIG: [27, "File too large"],
  ENOSPC: [28, "No space left on device"],
  ESPIPE: [29, "Illegal seek"],
  EROFS: [30, "Read-only file system"],
  EMLINK: [31, "Too many links"],
  EPIPE: [32, "Broken pipe"],
  EDOM: [33, "Numerical argument out of domain"],
  ERANGE: [34, "Numerical result out of range"],
  EDEADLK: [35, "Resource deadlock avoided"],
  ENAMETOOLONG: [36, "File name too long"],
  ENOLCK: [37, "No locks available"],
  ENOSYS: [38, "Function not implemented"],
  ENOTEMPTY: [39, "Directory not empty"],
  ELOOP: [40, "Too many levels of symbolic links"],
  ENODATA: [61, "No data available"],
  ETIME: [62, "Timer expired"],
  EREMOTE: [66, "Object is remote"],
  EPROTO: [71, "Protocol error"],
  EBADMSG: [74, "Bad message"],
  EOVERFLOW: [75, "Value too large for defined data type"],
  EILSEQ: [84, "Invalid or incomplete multibyte or wide character"],
  EUSERS: [87, "Too many users"],
  ENOTSOCK: [88, "Socket operation on non-socket"],
  EMSGSIZE: [90, "Message too long"],
  EOPNOTSUPP: [95, "Operation not supported"],
  EAFNOSUPPORT: [97, "Address family not supported by protocol"],
  EADDRINUSE: [98, "Address already in use"],
  EADDRNOTAVAIL: [99, "Cannot assign requested address"],
  ENETDOWN: [100, "Network is down"],
  ENETUNREACH: [101, "Network is unreachable"],
  ECONNABORTED: [103, "Software caused connection abort"],
  ECONNRESET: [104, "Connection reset by peer"],
  ENOBUFS: [105, "No buffer space available"],
  ETIMEDOUT: [110, "Connection timed out"],
  ENOTCONN: [107, "Transport endpoint is not connected"],
  ECONNREFUSED: [111, "Connection refused"],
  EHOSTDOWN: [112, "Host is down"],
  EHOSTUNREACH: [113, "No route to host"],
  EALREADY: [114, "Operation already in progress"],
  ESTALE: [116, "Stale file handle"],
  EDQUOT: [122, "Disk quota exceeded"],
  ENOMEDIUM: [123, "No medium found"],
  ECANCELED: [125, "Operation canceled"],
  ENOKEY: [126, "Required key not available"],
  EHWPOISON: [133, "Memory page has hardware error"],
} as const satisfies Record<string, readonly [number, string]>;

/** The symbolic names this table knows. */
export type ErrnoName = keyof typeof ERRORS;

/** One errno: its symbolic name (`E134` style for one the table lacks), number and text. */
export interface Errno {
  readonly name: string;
  readonly number: number;
  readonly message: string;
}

const BY_NUMBER: ReadonlyMap<number, Errno> = new Map(
  Object.entries(ERRORS).map(([name, [number, message]]) => [number, { name, number, message }]),
);

/** Looks an errno up by number; always answers.
 *
 * ```ts
 * import { errnoOf } from "./errno.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(errnoOf(2).name, "ENOENT");
 * assert.equal(errnoOf(2).message, "No such file or directory");
 * assert.equal(errnoOf(4095).message, "Unknown error 4095");
 * ```
 */
export function errnoOf(number: number): Errno {
  return BY_NUMBER.get(number) ??
    { name: `E${number}`, number, message: `Unknown error ${number}` };
}

/** The number of a symbolic name. */
export function errnoNumber(name: ErrnoName): number {
  return ERRORS[name][0];
}

/** Every errno of the table, for tests and reference. */
export function knownErrnos(): readonly Errno[] {
  return [...BY_NUMBER.values()];
}
