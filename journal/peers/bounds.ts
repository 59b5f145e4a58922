/** The largest batch: the largest message and the largest call in one. */
export const BATCH_MAX_BYTES = 32 * 1024 * 1024;

/** How the two ends of a connection watch over each other, in milliseconds. */
export const TIMING = {
  /** How often connections are looked at. */
  tickMs: 1_000,
  /** A stream on which nothing else goes shows this often that its sender lives. */
  keepAliveMs: 2_000,
  /** Nothing acknowledged, or nothing heard, for this long: the connection is given up. */
  silenceMs: 10_000,
  /** How long the receiver collects before it acknowledges. */
  acknowledgeMs: 200,
  /** How long a process that may be dead has to show that it is not. */
  probeMs: 3_000,
  connectMs: 3_000,
  /** A connection that lasted this long makes up for the failures before it. */
  settledMs: 5_000,
  /** How often dropped messages to one peer are told of. */
  unreachableMs: 1_000,
} as const;
