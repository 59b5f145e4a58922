/**
 * The state machine of one service (agent.md 5.2) as a table of states by events. Pure: time comes
 * in as `nowMs`, monotonic, and a passed deadline is noticed at the next `tick`.
 *
 * @module
 */
import type {
  EventOf,
  MachineContext,
  MachineStep,
  ServiceEvent,
  ServiceMachine,
  ServiceState,
  StateOf,
} from "./service_state.ts";
import * as on from "./service_transitions.ts";

type Handler<S, E> = (
  machine: ServiceMachine,
  state: S,
  event: E,
  context: MachineContext,
) => MachineStep;

/** States by events. What has no cell changes nothing. */
const TABLE: {
  readonly [S in ServiceState["kind"]]: {
    readonly [E in ServiceEvent["kind"]]?: Handler<StateOf<S>, EventOf<E>>;
  };
} = {
  Stopped: {
    start: on.begin,
    restart: on.begin,
    scopeCleared: on.releaseScope,
    scopeStuck: on.giveUpScope,
  },
  Waiting: {
    ready: on.spawn,
    wait: on.keepWaiting,
    stop: on.stopAtOnce,
    kill: on.stopAtOnce,
    tick: on.retryWhenDue,
    scopeCleared: on.releaseScope,
    scopeStuck: on.giveUpScope,
  },
  Spawning: {
    spawned: on.run,
    spawnFailed: on.failToSpawn,
    spawnBlocked: on.waitBlocked,
    stop: on.undoSpawn,
    kill: on.undoSpawn,
  },
  Running: {
    exited: on.crashOrFinish,
    unhealthy: on.stopUnhealthy,
    notHealthyInTime: on.failLateHealth,
    stop: on.stopOnRequest,
    restart: on.restartOnRequest,
    kill: on.killRunning,
  },
  Stopping: {
    spawned: on.signalLateSpawn,
    spawnFailed: on.finishStop,
    spawnBlocked: on.finishStop,
    exited: on.clearAfterStop,
    scopeCleared: on.finishStop,
    scopeStuck: on.giveUpScope,
    tick: on.killWhenDue,
    kill: on.killStopping,
    stop: on.stopInstead,
    start: on.startAfterStop,
    restart: on.startAfterStop,
  },
  Restarting: {
    tick: on.restartWhenDue,
    start: on.begin,
    restart: on.begin,
    stop: on.stopAtOnce,
    kill: on.stopAtOnce,
    scopeCleared: on.releaseScope,
    scopeStuck: on.giveUpScope,
  },
  Failed: {
    start: on.begin,
    restart: on.begin,
    stop: on.stopAtOnce,
    scopeCleared: on.releaseScope,
    scopeStuck: on.giveUpScope,
  },
};

/** One event in one state: the next state and what the shell has to do. */
export function stepMachine(
  machine: ServiceMachine,
  event: ServiceEvent,
  context: MachineContext,
): MachineStep {
  // The cell was picked by the kinds of exactly this state and event.
  const cell = TABLE[machine.state.kind][event.kind] as
    | Handler<ServiceState, ServiceEvent>
    | undefined;
  return cell === undefined ? on.stay(machine) : cell(machine, machine.state, event, context);
}
