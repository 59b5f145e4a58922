/** The version every executable of this build reports. */
export const VERSION = "0.1.0";

/**
 * A day on or before the one this version was built on, in milliseconds since the epoch: set anew with
 * every release. A clock that is behind it is wrong (ROT-6).
 */
export const BUILD_DATE_MS = Date.UTC(2026, 10, 21);
