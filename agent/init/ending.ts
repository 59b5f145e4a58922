/** How the machine is to end once everything on it has stopped. */
export type MachineEnd = "reboot" | "powerOff";

/** What an agent that was told to stop does. */
export interface Ending {
  readonly keepServices: boolean;
  /** What is asked of PID 1 afterwards; absent where the machine is not the agent's. */
  readonly machine?: MachineEnd;
  /** PID 1 is to start the next version at once. */
  readonly isUpgrade?: boolean;
}

/** The signals that end an agent. */
export const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGPWR", "SIGUSR2"] as const;

export type StopSignal = typeof STOP_SIGNALS[number];

/**
 * What a signal asks for. Under PID 1 it ends the machine, its services first (INI-33); elsewhere
 * SIGUSR2, or `keepServices`, leaves services to the next agent (SHD-3).
 */
export function endingOf(
  signal: StopSignal,
  { isInit, keepServices }: { readonly isInit: boolean; readonly keepServices: boolean },
): Ending {
  if (!isInit) return { keepServices: keepServices || signal === "SIGUSR2" };
  const isReboot = signal === "SIGTERM" || signal === "SIGINT";
  return { keepServices: false, machine: isReboot ? "reboot" : "powerOff" };
}
