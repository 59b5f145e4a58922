/** A device that came, went or changed, as the kernel tells it. */
export interface Uevent {
  readonly action: string;
  /** Below /sys. */
  readonly devicePath: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Most values of one event; the kernel gives at most 64. */
const MAX_VALUES = 256;

/**
 * The event in a datagram of the kernel: `ACTION@PATH`, then `KEY=VALUE`, each with a NUL behind it.
 * Undefined for anything else, such as what udev sends to its own listeners.
 */
export function decodeUevent(bytes: Uint8Array): Uevent | undefined {
  const [head = "", ...rest] = new TextDecoder().decode(bytes).split("\0", MAX_VALUES);
  const at = head.indexOf("@");
  if (at <= 0) return undefined;
  const values = new Map<string, string>();
  for (const text of rest) {
    const equals = text.indexOf("=");
    if (equals > 0) values.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return { action: head.slice(0, at), devicePath: head.slice(at + 1), values };
}
