/**
 * The simulator of a quorum: the real consensus core, log, state machine and client protocol on
 * disks, clocks and a network that go wrong, and a judge of what came of it. All of it follows from
 * a seed.
 *
 * @module
 */
export { simCommand, type SimOutput } from "./command.ts";
export { type Mutation, MUTATIONS } from "./mutations.ts";
export { Random as SeededRandom } from "./random.ts";
export { simOutput } from "./sim_output.ts";
export {
  simulate,
  type SimulationFailure,
  type SimulationOptions,
  type SimulationReport,
} from "./simulate.ts";
export { type DiskFault, SimulatedDisk } from "./simulated_disk.ts";
export type { Random } from "./simulated_file.ts";
