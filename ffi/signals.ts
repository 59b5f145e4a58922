/** Signal numbers of Linux on x86-64 and arm64 (signal(7)). */
const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** A signal by name. */
export type SignalName = keyof typeof SIGNALS;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SIGNALS).map(([name, number]) => [number, name]),
);

/** The number of a signal. */
export function signalNumber(name: SignalName): number {
  return SIGNALS[name];
}

/** The name of a signal; real-time ones as `SIGRTMIN+2`. */
export function signalName(number: number): string {
  const firstRealTime = 34;
  const realTime = number >= firstRealTime ? `SIGRTMIN+${number - firstRealTime}` : `SIG${number}`;
  return NAMES.get(number) ?? realTime;
}

/** Whether a text, of a service declaration say, names a signal. */
export function isSignalName(text: string): text is SignalName {
  return Object.hasOwn(SIGNALS, text);
}
