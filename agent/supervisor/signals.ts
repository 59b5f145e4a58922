/** The signals a declaration may name as its stop signal, with their numbers on Linux. */
export const SIGNAL_NUMBERS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGCONT: 18,
  SIGWINCH: 28,
  SIGPWR: 30,
} as const;

export type SignalName = keyof typeof SIGNAL_NUMBERS;

/** Signals no service asks for, but dies of. */
const FATAL_NAMES: Readonly<Record<number, string>> = {
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  31: "SIGSYS",
};

/** Whether `text` is a signal a declaration may name. */
export function isSignalName(text: string): text is SignalName {
  return Object.hasOwn(SIGNAL_NUMBERS, text);
}

/** `SIGSEGV` for 11; `signal 40` for one without a name. */
export function signalText(number: number): string {
  const named = Object.entries(SIGNAL_NUMBERS).find(([, value]) => value === number);
  return named?.[0] ?? FATAL_NAMES[number] ?? `signal ${number}`;
}
