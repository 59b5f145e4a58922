import { type Machine, type MachineOptions, startMachine } from "./machine.ts";

/** Longest until a node's first program says that it has started; it takes two seconds. */
const FIRST_PROGRAM_LIMIT_MS = 60_000;
/** What the initramfs writes first. */
export const FIRST_PROGRAM = /initramfs: started/;
/** Under emulation about one kernel in 150 stands still before it starts its first program. */
const ATTEMPTS = 2;

/** Starts a machine from its kernel and waits for its first program. */
export async function bootMachine(options: MachineOptions): Promise<Machine> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    const machine = await startMachine(options);
    try {
      await machine.waitForSerial(FIRST_PROGRAM, FIRST_PROGRAM_LIMIT_MS);
      return machine;
    } catch (error) {
      await machine.stop();
      console.error(`a node stood still before its first program, once more: ${error}`);
    }
  }
  const machine = await startMachine(options);
  await machine.waitForSerial(FIRST_PROGRAM, FIRST_PROGRAM_LIMIT_MS);
  return machine;
}
